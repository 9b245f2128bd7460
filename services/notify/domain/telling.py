"""Which facts a reporter and a portal are told about, and with what in them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.notify.domain import times
from services.notify.domain.followers import Follower
from services.notify.domain.letters import LANGUAGES, letter
from services.notify.domain.notices import LINK, REPORTER, WEBHOOK, Notice
from services.notify.domain.webhooks import Webhook
from shared import messages as say
from shared.messages import Fact, Outcome
from shared.province import Province, Wording

# What a reporter is told. Not told: what agencies and the centre tell one another (returned, submitted, sent back), nor that nobody
# in the agency has looked yet (accepted by silence).
TOLD: frozenset[type[Fact]] = frozenset(
    {
        say.ReportReceived,
        say.CaseAssigned,
        say.CaseAccepted,
        say.CaseQuestioned,
        say.CaseExtended,
        say.CaseProgressed,
        say.CaseAnswered,
        say.CaseResolved,
        say.CaseRefused,
        say.CaseCancelled,
        say.CaseReopened,
        say.CaseMerged,
        say.CaseClosed,
    }
)
# What a portal is told, and the status it may show from then on; "" leaves the status as it is.
STATUS: Mapping[type[Fact], str] = {
    say.ReportReceived: "received",
    say.CaseAssigned: "routed",
    say.CaseAccepted: "in_progress",
    say.CaseQuestioned: "waiting",
    say.CaseResumed: "in_progress",
    say.CaseExtended: "",
    say.CaseProgressed: "",
    say.CaseAnswered: "",
    say.CaseResolved: "resolved",
    say.CaseReopened: "in_progress",
    say.CaseClosed: "closed",
    say.CaseRefused: "refused",
    say.CaseCancelled: "cancelled",
    say.CaseMerged: "merged",
    say.CaseUnmerged: "received",
}
# News only while nothing newer is known: "is being worked on" after "is done" would be wrong.
PASSING = (say.CaseAssigned, say.CaseAccepted)
# What who follows is told of what a reporter is told: not what is asked of the reporter, and answered to the reporter's messages.
FOLLOWED = TOLD - {say.ReportReceived, say.CaseQuestioned, say.CaseAnswered}
FOLLOWERS_LETTER = "followed"  # one template for all of it: the news in a sentence
OUTCOMES: Mapping[Outcome, Wording] = {
    Outcome.FIXED: Wording(vi="Đã khắc phục", en="Fixed"),
    Outcome.EXPLAINED: Wording(vi="Đã giải thích", en="Explained"),
    Outcome.PLANNED: Wording(vi="Đã đưa vào kế hoạch", en="Planned"),
    Outcome.NOT_FOUND: Wording(vi="Không phát hiện sự việc như phản ánh", en="Nothing found as reported"),
}


@dataclass(kw_only=True, eq=False)
class Subject:
    """The report that notices are about. ``told`` names the facts heard so far; ``version`` is the newest of them."""

    report_id: UUID
    tracking_code: str
    portal: str
    category: str
    language: str
    reachable: bool
    received_at: datetime
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
        )

    def hear(self, fact: Fact, webhooks: Sequence[Webhook], province: Province, followers: Sequence[Follower] = ()) -> list[Notice]:
        """What there is to tell about ``fact``, once however often it is said."""
        name, version = name_of(fact), getattr(fact, "version", 0)
        if name in self.told:
            return []
        self.told = [*self.told, name]
        overtaken = version < self.version
        if not overtaken:
            self.version, self.status = version, STATUS[type(fact)] or self.status
        notices = [self._event(fact, webhook) for webhook in webhooks]
        if not _is_told(fact) or (overtaken and isinstance(fact, PASSING)):
            return notices
        if self.reachable:
            notices.append(self._letter(fact, province))
        if type(fact) in FOLLOWED:
            notices += [self._letter(fact, province, follower) for follower in followers if follower.confirmed_at]
        return notices

    def ask(self, fact: say.FollowerReachable, follower: Follower, province: Province) -> Notice:
        """The one letter that goes out before anybody has confirmed."""
        return self._letter(fact, province, follower)

    def _letter(self, fact: Fact, province: Province, follower: Follower | None = None) -> Notice:
        language = follower.language if follower else self.language
        template = FOLLOWERS_LETTER if follower and type(fact) in FOLLOWED else fact.topic
        written = letter(template, language, values_of(fact, self, province, language))
        return Notice(
            id=uuid5(follower.follower_id if follower else self.report_id, name_of(fact)),
            report_id=self.report_id,
            follower_id=follower.follower_id if follower else None,
            about=fact.topic,
            channel=REPORTER,
            language=language,
            subject=written.subject,
            body=written.text,
            html=written.html,
            created_at=fact.at,
            due_at=fact.at,
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
            created_at=fact.at,
            due_at=fact.at,
        )


def name_of(fact: Fact) -> str:
    """One fact of a report among all of them."""
    return f"{fact.topic}/{getattr(fact, 'version', 0)}"


def values_of(fact: Fact, subject: Subject, province: Province, language: str) -> dict[str, Any]:
    """What a template may write: the fact's own fields, and its codes and moments in words."""
    zone = ZoneInfo(province.time_zone)
    category, agency = province.categories.get(subject.category), province.agencies.get(getattr(fact, "agency", ""))
    known = {
        **fact.model_dump(),
        "about": fact.topic,
        "tracking_code": subject.tracking_code,
        "category": _in(language, category.name) if category else subject.category,
        "agency": _in(language, agency.name) if agency else getattr(fact, "agency", ""),
        "sender": _in(language, province.agencies[province.centre].name),
        "hotline": province.hotline,
        "link": LINK,
        "received": times.moment(subject.received_at, zone, language),
    }
    if due_at := getattr(fact, "due_at", None):
        known["due"] = times.moment(due_at, zone, language)
    if outcome := getattr(fact, "outcome", None):
        known["outcome"] = _in(language, OUTCOMES[outcome])
    if expected_on := getattr(fact, "expected_on", None):
        known["expected"] = times.day(expected_on, language)
    return known


def _is_told(fact: Fact) -> bool:
    return type(fact) in TOLD and not (isinstance(fact, say.CaseAccepted) and fact.silent)


def _in(language: str, words: Wording) -> str:
    return words.en if language == "en" else words.vi
