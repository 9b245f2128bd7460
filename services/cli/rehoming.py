"""Many cases at once: to whom their agency's duties went, and once more into an agency's queue. A hundred a commit, in the order of
reports: who was stopped is asked again and does the rest."""

import getpass
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from services.cli.process import CannotStart
from services.cli.system import Say, room
from services.notify.domain.webhooks import webhook_of
from services.routing.domain.areas import Gazetteer
from services.sla import store
from services.sla.domain import dispatch
from services.sla.domain.case import Case
from services.sla.handlers import HANDLERS
from services.sla.store import agencies
from shared import mailbox, province
from shared.database import Sessions
from shared.envelope import Envelope
from shared.handling import Handling
from shared.messages import Location, RehomeCase
from shared.province import Agency, Province

AT_ONCE = 100
Work = Callable[[Sequence[Case]], int]


class Heirs:
    """To whom the cases of agencies that have ended by ``day`` go."""

    def __init__(self, of: Province, day: date) -> None:
        self._of, self._day, self._gazetteer = of, day, Gazetteer(of)
        self.ended = sorted(code for code, agency in of.agencies.items() if agency.has_ended(day))

    def of(self, case: Case) -> tuple[Agency, str]:
        """The successor, and why in Vietnamese. The operations centre, where nobody follows."""
        place = self._gazetteer.place_of(Location.model_validate(case.report["location"]), self._day)
        before, area = self._of.agencies[case.agency], place.area.code if place else ""
        now = self._of.agency_on(case.agency, self._day, category=case.category, area=area)
        ended = f"{before.name.vi} hết nhiệm vụ từ ngày {before.effective_to:%d/%m/%Y}"
        if now.has_ended(self._day):
            return self._of.agencies[self._of.centre], f"{ended}, chưa có đơn vị kế thừa: trung tâm điều hành quyết định."
        return now, f"{ended}; {now.name.vi} đảm nhiệm."


def rehome(url: str, day: date | None, at: datetime, say: Say, *, dry_run: bool = False) -> int:
    """How many cases of agencies that have ended by ``day`` (today when None) went to another. Each is a request like any other, with a
    name of its own: said twice, it is done once."""
    with room(url, "sla") as rooms:
        with rooms() as session:
            of = province.current(session)
        heirs = Heirs(of, day or at.astimezone(ZoneInfo(of.time_zone)).date())
        handling = Handling(service="sla", handlers=HANDLERS, sessions=rooms, preload=store.preload)
        by, ways = f"cli:{getpass.getuser()}", Counter[tuple[str, str]]()

        def give(cases: Sequence[Case]) -> int:
            ways.update((case.agency, heirs.of(case)[0].code) for case in cases)
            outcomes = [] if dry_run else handling.batch([_request(case, heirs, by, at) for case in cases], at)
            failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            for failure in failed:
                say(f"not done: {failure}")
            return len(cases) - len(failed)

        done = _all(rooms, lambda session, after: agencies.held_by(session, heirs.ended, after=after, limit=AT_ONCE), give, say)
        for (before, now), number in sorted(ways.items()):
            say(f"{before} → {now}: {number}")
        say(f"{done} cases {'would go' if dry_run else 'went'} to a successor")
        return done


def _request(case: Case, heirs: Heirs, by: str, at: datetime) -> Envelope:
    heir, reason = heirs.of(case)
    name = uuid5(case.report_id, f"rehome {case.agency} {heir.code} {case.version}")
    words = {"before": case.agency, "agency": heir.code, "reason": reason}
    return Envelope.named(RehomeCase(report_id=case.report_id, at=at, actor=by, **words), name, source="cli")


def redeliver(url: str, code: str, since: date, at: datetime, say: Say) -> int:
    """How many assignments go into the queue of ``code`` again: those of cases it was given on the day ``since`` or later."""
    with room(url, "sla") as rooms:
        with rooms() as session:
            of = province.current(session)
        if code not in of.agencies:
            raise CannotStart(f"no agency has the code {code!r}: agencies.yaml lists them")
        moment = datetime.combine(since, time(), ZoneInfo(of.time_zone))

        def send(cases: Sequence[Case]) -> int:
            with rooms.begin() as session:
                mailbox.post(session, [_again(session, case, at) for case in cases])
            return len(cases)

        done = _all(rooms, lambda session, after: agencies.given_since(session, code, moment, after=after, limit=AT_ONCE), send, say)
        say(f"{done} assignments are on their way to agency.{code} again")
        if of.agencies[code].webhook:
            say(f"What its webhook took comes again by `hoiam notify replay --webhook {webhook_of(code)} --delivered`")
        return done


def _again(session: Session, case: Case, at: datetime) -> Envelope:
    name, work = dispatch.redelivery(case, at, store.timekeeper(session, case))
    return Envelope.named(work, name, source="sla")


def _all(rooms: Sessions, page: Callable[[Session, UUID | None], list[Case]], work: Work, say: Say) -> int:
    """Page after page, each behind the last report of the one before."""
    done, after = 0, None
    while True:
        with rooms() as session:
            cases = page(session, after)
        if not cases:
            return done
        done, after = done + work(cases), cases[-1].report_id
        say(f"{done} cases so far")
