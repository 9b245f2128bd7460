"""The ways out: mail, a folder of letters, short messages, webhooks; and the loops that send what is due.

A channel sends one notice, or raises one of the exceptions below. Reasons are our own words: a server's answer often
repeats the address, and reasons are logged, stored and said.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from services.notify.domain.notices import Notice


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """Who gets it: e-mail address, telephone number or URL. ``link`` is the reporter's own, ``leave`` the one that ends the letters,
    ``reply_to`` where answers and bounces go; ``secrets`` sign what goes to portals."""

    address: str = field(repr=False)
    tracking_code: str = ""
    link: str = field(default="", repr=False)
    leave: str = field(default="", repr=False)
    reply_to: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Undelivered(Exception):  # noqa: N818 - an answer of the other side
    """``reason`` names neither address nor content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Temporary(Undelivered):
    """Not now; perhaps later, and not before ``after``, if the other side says so."""

    def __init__(self, reason: str, after: timedelta = timedelta(0)) -> None:
        super().__init__(reason)
        self.after = after


class Faltering(Temporary):
    """The server is in trouble, whatever it was sent: after several in a row it is left in peace."""


class Away(Temporary):
    """Nothing gets through to this server now: whatever is meant for it waits, and none of it is to blame."""


class Permanent(Undelivered):
    """Never by this channel: trying again would do nothing."""


class Nobody(Permanent):
    """Nobody has that address: no other letter need be tried there."""


class Gone(Permanent):
    """The webhook asks not to be called again (HTTP 410)."""


class Channel(Protocol):
    """Used by ``at_once`` threads at the same time."""

    name: str
    at_once: int

    def send(self, notice: Notice, to: Addressee) -> None:
        """Returns when the other side has taken it over. Raises :class:`Undelivered`."""

    def rest(self) -> None:
        """The thread that calls has nothing more for the moment: let its connection go."""
