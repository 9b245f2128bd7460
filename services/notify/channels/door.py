"""The door for mail: SMTP, for the province's mail server, which hands answers to letters over. ``replying`` judges what is said at it.

Whoever reaches it may knock: connections and mails are counted by address, so that one that goes wild, or a stranger, costs little.
"""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from services.notify.channels.replying import Answers
from shared.handling import Handling
from shared.limits import Buckets, Rate, TooMany

IDLE_SECONDS = 0.5
IDLE_LIMIT = 60  # seconds that a mail server may say nothing
COMMANDS = 100  # of one connection, of each kind
AT_ONCE = 4  # mails that are read at the same time
FULL = b"421 4.7.0 too many connections: come again in a moment\r\n"

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class House:
    """What the door opens at and what it lets in. ``connections`` are of one address at the same time, ``mails`` of one address within a
    minute. With a ``certificate`` (PEM; its ``key`` beside it, or in the same file) nothing is taken without STARTTLS."""

    host: str
    port: int
    largest: int
    connections: int
    mails: int
    certificate: Path | None = None
    key: Path | None = None

    def encryption(self) -> dict[str, Any]:
        """For aiosmtpd. Raises :class:`OSError` for what can't be read, ``ssl.SSLError`` for what is no certificate."""
        if self.certificate is None:
            return {}
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return {"tls_context": context, "require_starttls": True}


class Visitor(SMTP):
    """One connection. Lines may be longer than the standard allows: mail programs write them, and what is read is bounded by the size of
    the mail."""

    line_length_limit = 200_000

    def __init__(self, *with_: Any, inside: Counter[str], most: int, **more: Any) -> None:
        super().__init__(*with_, **more)
        self._inside, self._most, self._counted_as = inside, most, ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once more when the connection is encrypted."""
        if not self._counted_as and not self._let_in(transport):
            return
        super().connection_made(transport)

    def _let_in(self, transport: asyncio.BaseTransport) -> bool:
        peer = _address(transport.get_extra_info("peername"))
        if self._inside[peer] >= self._most:
            transport.write(FULL)  # type: ignore[attr-defined]  # of a connection it always is one that can be written to
            transport.close()
            return False
        self._inside[peer] += 1
        self._counted_as = peer
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if not self._counted_as:
            return
        self._inside[self._counted_as] -= 1
        self._inside += Counter()  # forgets who has none left
        super().connection_lost(error)


class Door:
    """What aiosmtpd asks: one recipient a mail, known ones only, so that nothing needs to be sent back."""

    def __init__(self, answers: Answers, *, mails: int) -> None:
        self._answers, self._places = answers, asyncio.Semaphore(AT_ONCE)
        self._buckets, self._rate = Buckets(), Rate(per_second=mails / 60, burst=mails)

    async def handle_MAIL(self, _server: Any, session: Any, envelope: Any, address: str, options: Sequence[str]) -> str:  # noqa: N802
        try:
            self._buckets.take(_address(session.peer), self._rate, time.monotonic())
        except TooMany as slower:
            return f"451 4.7.1 too many mails: come again in {slower.retry_after} s"
        envelope.mail_from, envelope.mail_options = address, list(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Sequence[str]) -> str:  # noqa: N802
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        if not await self._ask(self._answers.known, address):
            return "550 5.1.1 no such address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        said: str = await self._ask(self._answers.take, envelope.rcpt_tos[0], envelope.mail_from or "", envelope.content)
        return said

    async def handle_exception(self, error: Exception) -> str:
        """The database is away, or we have a bug: the mail server keeps the mail and comes again."""
        log.warning("a reply could not be taken", error=type(error).__name__)
        return "451 4.3.0 it can't be taken now"

    async def _ask(self, question: Callable[..., Any], *about: Any) -> Any:
        async with self._places:
            return await asyncio.to_thread(question, *about)


class Doorway(Controller):
    """Makes visitors, and counts who is inside."""

    def __init__(self, door: Door, house: House) -> None:
        limits: dict[str, Any] = {"data_size_limit": house.largest, "timeout": IDLE_LIMIT, "command_call_limit": COMMANDS}
        super().__init__(door, hostname=house.host, port=house.port, ident="hoiam", **limits, **house.encryption())
        self._inside: Counter[str] = Counter()
        self._most = house.connections

    def factory(self) -> SMTP:
        return Visitor(self.handler, inside=self._inside, most=self._most, **self.SMTP_kwargs)

    close = Controller.stop


def listening(house: House, answers: Callable[[Handling], Answers]) -> Callable[[Handling, Callable[[], bool]], None]:
    """A loop of the service that takes mail from the province's mail server."""

    def work(handling: Handling, beat: Callable[[], bool]) -> None:
        doorway = Doorway(Door(answers(handling), mails=house.mails), house)
        doorway.start()
        with closing(doorway):
            while beat():
                time.sleep(IDLE_SECONDS)

    return work


def _address(peer: Any) -> str:
    return str(peer[0]) if isinstance(peer, tuple) else ""
