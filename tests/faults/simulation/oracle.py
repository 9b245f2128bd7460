"""What must be true once it is quiet, whatever went wrong before: a line for each thing that isn't."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.cli import audit
from services.intake.domain.timeline import PUBLIC_CLOCKS, SHOWN
from services.notify.domain.audience import HEARD
from services.notify.domain.telling import name_of
from services.sla import store
from services.sla.domain.custody import stints
from services.sla.store import open_cases, scoring
from shared.bus import REQUESTS
from shared.envelope import decode, event_type
from shared.messages import ReportReceived
from tests.faults.simulation.playing import Play
from tests.faults.simulation.story import SERVICES
from tests.faults.simulation.world import World

OF_INTAKE = {event_type(kind) for kind in SHOWN}
OF_NOTIFY = {event_type(kind) for kind in {*HEARD, ReportReceived}}
CLOCKS = {"vn.hoiam.clock.breached.v1", "vn.hoiam.clock.escalated.v1"}


def wrongs(play: Play) -> list[str]:
    """Empty when everything is as it should be."""
    world = play.world
    said = {one.message_id: json.loads(one.body) for one in world.bus.log if one.exchange != REQUESTS}
    return [
        *_reports(play),
        *_letters(world),
        *_twice(said.values()),
        *_timeline(world, said.values()),
        *_told(world),
        *_cases(world),
        *_proofs(world),
        *_kept(world),
    ]


def _rows(world: World, service: str, query: str) -> list[Any]:
    with world.rooms(service)() as session:
        return list(session.execute(text(query)).all())


def _reports(play: Play) -> Iterator[str]:
    """Every accepted report is everywhere, once; and nothing is anywhere that was never sent."""
    tables = {"intake": "reports", "routing": "reports", "sla": "cases", "notify": "subjects"}
    sent = {envelope.id for service, envelope in play.asked if service == "intake"}
    for service, table in tables.items():
        there = {row.report_id for row in _rows(play.world, service, f"SELECT report_id FROM {table}")}
        yield from (f"lost: report {one} is not in {service}" for one in play.accepted - there)
        yield from (f"{one} in {service} was never sent" for one in there - sent)


def _letters(world: World) -> Iterator[str]:
    """Whatever reached a queue was handled by its service, or is held."""
    handled = {name: {str(row.message_id) for row in _rows(world, name, "SELECT message_id FROM inbox")} for name in SERVICES}
    for one in world.bus.log:
        for queue in world.bus.queues_of(one):
            service = queue.removesuffix(".inbox")
            if service in handled and one.message_id not in handled[service]:
                yield f"lost: {service} never handled {one.routing_key} {one.message_id}"


def _twice(said: Iterable[Any]) -> Iterator[str]:
    """A service says a thing once: the same words under two names are the effect of something that was done twice."""
    words = Counter(
        json.dumps([event[name] for name in ("type", "subject", "time", "correlationid", "data")], sort_keys=True) for event in said
    )
    yield from (f"said {number} times: {one[:200]}" for one, number in words.items() if number > 1)


def _timeline(world: World, said: Iterable[Any]) -> Iterator[str]:
    """What everybody reads has each fact once."""
    expected: Counter[tuple[str, str]] = Counter()
    for event in said:
        hidden = event["type"] in CLOCKS and event["data"]["clock"] not in PUBLIC_CLOCKS
        if event["type"] in OF_INTAKE and not hidden:
            expected[event["subject"], event["type"]] += 1
    rows = _rows(world, "intake", "SELECT report_id, topic FROM timeline")
    shown = Counter((str(row.report_id), f"vn.hoiam.{row.topic}.v1") for row in rows)
    for key in expected.keys() | shown.keys():
        if expected[key] != shown[key]:
            kind = "lost" if shown[key] < expected[key] else "twice"
            yield f"{kind}: {key} was said {expected[key]} times and is shown {shown[key]} times"


def _told(world: World) -> Iterator[str]:
    """notify heard each fact about each report."""
    expected: dict[UUID, set[str]] = defaultdict(set)
    for one in world.bus.log:
        if one.type in OF_NOTIFY:
            fact = decode(one.body).message
            expected[fact.report_id].add(name_of(fact))  # type: ignore[arg-type]  # facts, by their types
    for row in _rows(world, "notify", "SELECT report_id, told FROM subjects"):
        if expected[row.report_id] != set(row.told) or len(row.told) != len(set(row.told)):
            yield f"notify heard of {row.report_id}: {sorted(row.told)}, said was {sorted(expected[row.report_id])}"


def _cases(world: World) -> Iterator[str]:
    """Held, timed, accounted for to the last second; and the public sees where each stands."""
    public = {row.report_id: row.status for row in _rows(world, "intake", "SELECT report_id, status FROM reports")}
    with world.rooms("sla")() as session:
        keeper = store.timekeeper(session)
        for case in store.cases_where(session):
            if case.leader_id is None and public.get(case.report_id) != str(case.state):  # who follows is shown what its leader is
                yield f"{case.report_id} is {case.state} and the public sees {public.get(case.report_id)}"
            moves = store.history_of(session, case.report_id)
            if len(moves) != case.version:
                yield f"{case.report_id} has version {case.version} and {len(moves)} rows of history"
            held = stints(moves, keeper.calendar, world.now)
            ends = held[-1].ends or max(world.now, held[-1].begins) if held else moves[0].at
            spent, passed = sum((one.working for one in held), timedelta(0)), keeper.calendar.between(moves[0].at, ends)
            if spent != max(passed, timedelta(0)):
                yield f"{case.report_id}: custody sums to {spent}, and {passed} went by"
        for family in open_cases.gauges(session):
            if family.name == "hoiam_open_cases_without_clock" and family.samples[0].value:
                yield "an open case has no running clock"


def _proofs(world: World) -> Iterator[str]:
    """Histories are as they were written, and scorecards are what they say."""
    witnessed = {row.day: row.root for row in _rows(world, "intake", "SELECT day, root FROM audit_roots")}
    told: list[str] = []
    if not audit.verify(world.url, told.append, {"intake": witnessed}):
        yield from told
    with world.rooms("sla").begin() as session:
        while scoring.score_some(session):
            pass
    with world.rooms("sla")() as session:
        for _, differences in scoring.compared(session):
            yield from differences


def _kept(world: World) -> Iterator[str]:
    """Only what somebody asked against the rules may wait for a person."""
    for service in SERVICES:
        for row in _rows(world, service, "SELECT exchange, routing_key, code, reason FROM held"):
            if row.exchange != REQUESTS:
                yield f"parked: {service} {row.routing_key} {row.code} {row.reason}"
        for row in _rows(world, service, "SELECT count(*) AS number FROM outbox HAVING count(*) > 0"):
            yield f"stuck: {row.number} messages in the outbox of {service}"
