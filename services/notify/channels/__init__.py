"""The ways out: mail, a folder of letters, short messages, webhooks; and the loop that sends what is due.

A channel sends one notice, or raises :class:`Temporary` or :class:`Permanent`. Reasons are our own words: a server's answer often
repeats the address, and reasons are logged, stored and said.
"""

from dataclasses import dataclass, field
from typing import Protocol

from services.notify.domain.notices import Notice


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """Who gets it: e-mail address, telephone number or URL. ``link`` is the reporter's own; ``secret`` signs what goes to portals."""

    address: str = field(repr=False)
    link: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


class Undelivered(Exception):  # noqa: N818 - an answer of the other side
    """``reason`` names neither address nor content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Temporary(Undelivered):
    """Not now; perhaps later."""


class Away(Temporary):
    """Nothing gets through to this server now: whatever else is meant for it waits, too."""


class Permanent(Undelivered):
    """Never: trying again would do nothing."""


class Gone(Permanent):
    """The webhook asks not to be called again (HTTP 410)."""


class Channel(Protocol):
    """Used by one thread."""

    name: str

    def server(self, to: Addressee) -> str:
        """What would be away, were it :class:`Away`."""

    def send(self, notice: Notice, to: Addressee) -> None:
        """Returns when the other side has taken it over. Raises :class:`Undelivered`."""

    def rest(self) -> None:
        """Nothing more for the moment: let connections go."""
