"""What is told about the facts of one report: the table of ``audience`` made into notices."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid5

from services.notify.domain.audience import OFFICES, Line, Pace, Reader, line_of
from services.notify.domain.desks import Desk, desks_of, office_of
from services.notify.domain.followers import Follower
from services.notify.domain.halfdays import next_half_day, next_within
from services.notify.domain.letters import LANGUAGES, Letter, letter, template_of
from services.notify.domain.notices import REPORTER, WEBHOOK, Notice, State
from services.notify.domain.values import values_of
from services.notify.domain.webhooks import Webhook
from shared import messages as say
from shared.messages import Fact
from shared.province import Agency, Province

# News only while nothing newer is known: "is being worked on" after "is done" would be wrong.
PASSING = (say.CaseAssigned, say.CaseAccepted)
Chosen = Mapping[str, frozenset[str]]  # topics by subscriber, ``portal:<name>`` or ``agency:<code>``
EVERYTHING: Chosen = {}
OF_OFFICES = LANGUAGES[0]  # the language that offices are written to in


@dataclass(kw_only=True, eq=False)
class Subject:
    """The report that notices are about. ``told`` names the facts heard so far; ``version`` is the newest of them, ``agency`` who holds
    the case by then."""

    report_id: UUID
    tracking_code: str
    portal: str
    category: str
    language: str
    reachable: bool
    received_at: datetime
    agency: str = ""
    urgent: bool = False
    status: str = ""
    version: int = 0
    told: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, received: say.ReportReceived) -> Self:
        """Nobody told anything yet."""
        return cls(
            report_id=received.report_id,
            tracking_code=received.tracking_code,
            portal=received.portal,
            category=received.category,
            language=received.language if received.language in LANGUAGES else LANGUAGES[0],
            reachable=received.reachable,
            received_at=received.at,
            urgent=received.urgent,
        )

    def hear(
        self,
        fact: Fact,
        webhooks: Sequence[Webhook],
        province: Province,
        followers: Sequence[Follower] = (),
        *,
        person: str = "",
        chosen: Chosen = EVERYTHING,
    ) -> list[Notice]:
        """What there is to tell about ``fact``, once however often it is said.

        ``person`` is the keyed hash of the reporter's contact; ``chosen``: the facts that portals and agencies want, of those who chose.
        """
        name = name_of(fact)
        if name in self.told:
            return []
        self.told = [*self.told, name]
        line, overtaken = line_of(fact), self._learn(fact)
        wanted = line.portal is not None and _wants(chosen, f"portal:{self.portal}", fact)
        notices = [self._event(fact, webhook) for webhook in webhooks] if wanted else []
        if overtaken and isinstance(fact, PASSING):
            return notices
        return [*notices, *self._to_people(fact, line, province, followers, person), *self._to_offices(fact, line, province, chosen)]

    def ask(self, fact: say.FollowerReachable, follower: Follower, province: Province) -> Notice:
        """The one letter that goes out before anybody has confirmed."""
        return self._to_follower(fact, Pace.NOW, province, follower)

    def _learn(self, fact: Fact) -> bool:
        """Whether something newer is known already; if not, take over where the case stands."""
        version = getattr(fact, "version", self.version)
        self.urgent = self.urgent or getattr(fact, "urgent", False)
        if version < self.version:
            return True
        self.version, self.agency = version, getattr(fact, "agency", self.agency)
        self.status = line_of(fact).portal or self.status
        return False

    def _to_people(self, fact: Fact, line: Line, province: Province, followers: Sequence[Follower], person: str) -> Iterator[Notice]:
        if line.reporter and self.reachable:
            written = self._letter(fact, Reader.REPORTER, self.language, province)
            recipient = person or f"reporter:{self.report_id}"
            yield self._notice(
                fact, written, id=uuid5(self.report_id, name_of(fact)), language=self.language, pace=line.reporter, recipient=recipient
            )
        if line.follower:
            yield from (self._to_follower(fact, line.follower, province, follower) for follower in followers if follower.confirmed_at)

    def _to_follower(self, fact: Fact, pace: Pace, province: Province, follower: Follower) -> Notice:
        return self._notice(
            fact,
            self._letter(fact, Reader.FOLLOWER, follower.language, province),
            id=uuid5(follower.follower_id, name_of(fact)),
            language=follower.language,
            pace=pace,
            reader=Reader.FOLLOWER,
            follower_id=follower.follower_id,
            recipient=follower.person or f"follower:{follower.follower_id}",
        )

    def _to_offices(self, fact: Fact, line: Line, province: Province, chosen: Chosen) -> Iterator[Notice]:
        """An urgent case waits for no morning."""
        for reader in OFFICES:
            pace: Pace = getattr(line, reader)
            office = office_of(reader, fact, getattr(fact, "agency", self.agency), province) if pace else None
            if office and _wants(chosen, f"agency:{office.code}", fact):
                urgent_or_not = Pace.NOW if self.urgent else pace
                desks = desks_of(reader, fact, office, province, urgent=self.urgent)
                yield from (self._to_desk(desk, fact, reader, office, urgent_or_not, province) for desk in desks)

    def _to_desk(self, desk: Desk, fact: Fact, reader: Reader, office: Agency, pace: Pace, province: Province) -> Notice:
        due_at = next_half_day(fact.at, office, province) if pace == Pace.REMIND else fact.at
        return self._notice(
            fact,
            self._letter(fact, reader, OF_OFFICES, province),
            id=uuid5(self.report_id, f"{name_of(fact)}/{desk.recipient}"),
            language=OF_OFFICES,
            pace=pace,
            reader=reader,
            recipient=desk.recipient,
            address=desk.address,
            due_at=next_within(desk.hours, due_at, province),
        )

    def _letter(self, fact: Fact, reader: Reader, language: str, province: Province) -> Letter:
        return letter(template_of(fact.topic, reader), language, values_of(fact, self, province, language, to_office=reader in OFFICES))

    def _notice(self, fact: Fact, written: Letter, *, pace: Pace, **fields: Any) -> Notice:
        return Notice(
            report_id=self.report_id,
            about=fact.topic,
            channel=REPORTER,
            subject=written.subject,
            body=written.text,
            news=written.news,
            template=written.version,
            created_at=fact.at,
            **{"due_at": fact.at, "pace": pace, "urgent": self.urgent, "state": State.HELD, **fields},
        )

    def _event(self, fact: Fact, webhook: Webhook) -> Notice:
        """Thin on purpose: a portal asks for the rest, and gets what it may see."""
        at = fact.at.isoformat()
        data = {"report_id": str(self.report_id), "tracking_code": self.tracking_code, "status": self.status, "at": at}
        return Notice(
            id=uuid5(self.report_id, f"{name_of(fact)}/{webhook.id}"),
            report_id=self.report_id,
            about=fact.topic,
            channel=WEBHOOK,
            language=self.language,
            subject="",
            body=json.dumps({"type": fact.topic, "timestamp": at, "data": data}, ensure_ascii=False),
            webhook_id=webhook.id,
            reader=Reader.PORTAL,
            created_at=fact.at,
            due_at=fact.at,
        )


def _wants(chosen: Chosen, subscriber: str, fact: Fact) -> bool:
    return subscriber not in chosen or fact.topic in chosen[subscriber]


def name_of(fact: Fact) -> str:
    """One fact of a report among all of them: by its version, or by what else tells it from others of its topic."""
    named = (getattr(fact, name, None) for name in ("version", "comment_id", "notice_id", "hop"))
    return f"{fact.topic}/{next((str(value) for value in named if value is not None), '0')}"
