"""The way back: answers to letters and short messages, carried to intake as the reporter's words.

Nothing is kept here: what intake can't take now is not taken from the mail server, which keeps it and comes again.
"""

from dataclasses import dataclass
from uuid import UUID

import httpx2
import structlog

from services.notify.domain.replies import Incoming, Token, Whose, read_mail
from services.notify.store import replying
from services.notify.store.replying import Writer
from shared.access import link_secret
from shared.clock import Clock
from shared.errors import Refused
from shared.handling import Handling
from shared.texts import LONGEST

SECONDS = 10.0  # for intake's answer
SHORTEST = 2  # code points, as intake has it

log = structlog.get_logger()


class NotTaken(Refused):
    """``later``: the same again will do in a moment."""

    code = "reply_not_taken"

    def __init__(self, detail: str, *, later: bool = False) -> None:
        super().__init__(detail)
        self.later, self.status = later, 503 if later else 422


class Intake:
    """The door that a reporter's own link opens, too. So there is one way in for words, with one set of rules."""

    def __init__(self, url: str, *, link_key: str) -> None:
        self._url, self._link_key = url, link_key
        limits = httpx2.Limits(max_keepalive_connections=0)  # replies are rare
        self._http = httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=False, limits=limits)

    def say(self, writer: Writer, words: str, *, name: str) -> None:
        """Once for each ``name``, however often. Raises :class:`NotTaken`."""
        if len(words) < SHORTEST:
            raise NotTaken("there are no words of yours in it")
        if len(words) > LONGEST:
            raise NotTaken(f"it is longer than {LONGEST} letters: please use the link to your report")
        secret = link_secret(self._link_key, writer.report_id)
        url, headers = f"{self._url}/v1/reports/{writer.tracking_code}/comments", {"X-Report-Secret": secret, "Idempotency-Key": name}
        try:
            status = self._http.post(url, json={"text": words}, headers=headers).status_code
        except httpx2.HTTPError:
            raise NotTaken("it can't be taken now", later=True) from None
        if status >= 500 or status in {401, 403, 404, 429}:  # ours to mend, not the writer's
            log.warning("intake does not take a reply", status=status)
            raise NotTaken("it can't be taken now", later=True)
        if status >= 400:
            raise NotTaken("it can't be added to the report: please use the link to your report")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What comes back to a letter's own address. Methods answer as SMTP does."""

    handling: Handling
    intake: Intake
    link_key: str
    clock: Clock

    def known(self, address: str) -> bool:
        """Whether letters with this address go to somebody."""
        token = Token.read(address)
        return token is not None and self._is_good(token)

    def take(self, address: str, sender: str, content: bytes) -> str:
        """One mail to ``address``. Machines are thanked and not heard, so nothing can go round in circles."""
        token, mail = Token.read(address), read_mail(content, sender)
        if token is None or mail is None or not self._is_good(token):
            return "554 5.6.0 this can't be read"
        if mail.bounce:
            bounce = mail.bounce
            self.handling.run(lambda session: replying.bounced(session, token, bounce, self.clock()))
            return "250 2.0.0 noted"
        if mail.automatic:
            return "250 2.0.0 machines are not heard"
        if token.whose != Whose.REPORTER:
            return "550 5.7.1 only who sent the report can write to it"
        return self._say(token.id, mail)

    def _say(self, report_id: UUID, mail: Incoming) -> str:
        with self.handling.sessions() as session:
            writer = replying.reporter_of(session, report_id)
        if writer is None:
            return "550 5.1.1 nobody is written to about this report any more"
        try:
            self.intake.say(writer, mail.words, name=mail.name)
        except NotTaken as refused:
            return f"{'451 4.3.0' if refused.later else '550 5.6.0'} {refused.detail}"
        return "250 2.0.0 it is with the agency"

    def _is_good(self, token: Token) -> bool:
        with self.handling.sessions() as session:
            recipients = replying.recipients_of(session, token)
        return any(token.is_of(self.link_key, recipient) for recipient in recipients)
