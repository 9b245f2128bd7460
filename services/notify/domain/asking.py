"""What is asked of notify over HTTP, as messages: one way for everything that changes something."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid5

from services.notify.domain.leaving import Leaving
from shared.messages import Message

SUBSCRIBERS = UUID("5a6e7d1c-6a53-5ac2-9d39-1d9d2f0e8b11")  # of names made from subscribers


class ChooseFacts(Message):
    """``facts`` are topics; None: everything that the table has for ``subscriber`` (``agency:<code>``, ``portal:<name>``)."""

    topic = "choose_facts"
    subscriber: str
    facts: tuple[str, ...] | None

    @classmethod
    def by(cls, subscriber: str, facts: tuple[str, ...] | None, *, at: datetime) -> Self:
        """Its subject is made from the subscriber."""
        return cls(report_id=uuid5(SUBSCRIBERS, subscriber), at=at, subscriber=subscriber, facts=facts)


class Leave(Message):
    """``name`` as in silences; ``everywhere``: and about all other reports, too; ``undo``: it was a mistake. ``person`` is the recipient of
    all of them, where that can't be looked up any more."""

    topic = "leave"
    name: str
    person: str = ""
    everywhere: bool = False
    undo: bool = False

    @classmethod
    def by(cls, leaving: Leaving, *, at: datetime, person: str = "", **how: bool) -> Self:
        """By who holds the link."""
        return cls(report_id=leaving.id, at=at, name=leaving.name, person=person, **how)


class SendTest(Message):
    """To one e-mail address or one webhook: a notice that says it is none. ``report_id`` is its own id, too."""

    topic = "send_test"
    email: str = ""
    webhook_id: UUID | None = None
    subject: str = ""
    body: str = ""

    @property
    def fields(self) -> Mapping[str, Any]:
        """Of the notice."""
        return self.model_dump(include={"report_id", "webhook_id", "subject", "body"})
