"""Where notices go: the server of a channel, or one webhook. One in trouble is left in peace, so that it costs the others nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

TROUBLED = 10  # failures in a row, after which it is left in peace
REST, LONGEST_REST = timedelta(seconds=10), timedelta(minutes=10)
WEARY = timedelta(days=3)  # of nothing but failures: a webhook is switched off


@dataclass(kw_only=True, eq=False)
class Endpoint:
    """``name`` is that of the channel or the id of the webhook. ``failures`` are those since it last took a notice, ``failing_since`` the
    first of them. Nothing is sent there before ``shut_until``, and then one notice at a time until it takes one."""

    name: str
    failures: int = 0
    last_error: str = ""
    failing_since: datetime | None = None
    shut_until: datetime | None = None

    def room(self, wanted: int, *, at: datetime) -> int:
        """How many of the ``wanted`` places at once it gets."""
        if self.shut_until is None:
            return wanted
        return 0 if at < self.shut_until else min(wanted, 1)

    def worked(self) -> None:
        """It took one."""
        self.failures, self.last_error, self.failing_since, self.shut_until = 0, "", None, None

    def failed(self, *, at: datetime, reason: str, away: bool) -> None:
        """It answers, but not as it should, or it is ``away``. What was on its way when it was shut tells nothing new."""
        if self.shut_until and at < self.shut_until:
            return
        self.failing_since, self.last_error = self.failing_since or at, reason
        self.failures = max(self.failures + 1, TROUBLED if away else 0)
        if self.failures >= TROUBLED:
            self.shut_until = at + min(REST * 2 ** min(self.failures - TROUBLED, 10), LONGEST_REST)

    def is_weary(self, at: datetime) -> bool:
        """Whether it has failed for so long that nobody can be there any more."""
        return self.failing_since is not None and at - self.failing_since >= WEARY
