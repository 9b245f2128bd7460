"""Faults of those who use the system: who reads nothing, who sends nonsense, who sends ten times as much, who sends everything again."""

import contextlib
import json
import signal
import threading
from contextlib import closing
from uuid import uuid4

import httpx2

from shared.bus import EVENTS, Letter
from shared.bus.rabbitmq import RabbitBus
from tests.faults.real.field import Field
from tests.faults.real.people import AREAS, Portal, a_body
from tests.faults.real.system import pause
from tests.wait import until

EACH = 20  # of every kind of poison


def deaf(field: Field) -> int:
    """One agency reads nothing for a while: the others must not notice."""
    field.agencies.deaf = {AREAS[0]}
    pause(8)
    others = {report for number, report in field.portal.accepted.items() if number % len(AREAS)}
    until(lambda: others <= field.agencies.assigned.keys(), 20, what="the others have theirs while one is deaf")
    field.agencies.deaf = set()
    field.recover()
    return 1


def poisons() -> list[Letter]:
    """No JSON, no event, a type nobody knows, fields that are wrong."""
    event = {"specversion": "1.0", "source": "/hoiam/intake", "subject": str(uuid4()), "time": "2026-11-16T08:00:00+07:00", "data": {}}

    def letter(body: bytes) -> Letter:
        return Letter(exchange=EVENTS, routing_key="case.assigned", message_id=str(uuid4()), type="poison", body=body)

    def said(**fields: object) -> bytes:
        return json.dumps({**event, "id": str(uuid4()), **fields}).encode()

    kinds = (
        lambda n: b"no JSON at all %d" % n,
        lambda n: json.dumps({"n": n}).encode(),
        lambda n: said(type="vn.hoiam.report.flown.v1", n=n),
        lambda n: said(type="vn.hoiam.case.assigned.v1", data={"hop": f"many {n}"}),
    )
    return [letter(kind(n)) for kind in kinds for n in range(EACH)]


HEARERS = ("intake", "notify", "routing")  # of case.assigned: each parks every one of them
POISON = 4 * EACH * len(HEARERS)


def poison(field: Field) -> int:
    """Among good messages; nobody beside them may be parked."""
    bus = RabbitBus(field.of.amqp_url)
    with closing(bus.publisher("stranger")) as publisher:
        for one in poisons():
            assert publisher.publish([one]) == [""]
    field.recover()
    return 4 * EACH


def burst(field: Field) -> int:
    """Ten times as many for ten seconds, over five times as many connections."""
    crowd = Portal(field.of, field.rate * 9, workers=40)
    crowd.start()
    pause(10)
    crowd.stop()
    field.portal.accepted |= {-1 - number: report for number, report in crowd.accepted.items()}
    field.portal.offered_besides(crowd.offered)
    field.portal.twice += crowd.twice
    field.recover()
    return 1


def impatient(field: Field) -> int:
    """Clients that send everything five times at once: one report each."""
    again = Portal(field.of, 1)
    answers: dict[int, set[str]] = {number: set() for number in range(40)}

    def send(number: int) -> None:
        with contextlib.suppress(httpx2.HTTPError), httpx2.Client(timeout=10, trust_env=False) as http:
            answer = http.post(again.url, json=a_body(number), headers=again.headers(number))
            if answer.status_code == 201:
                answers[number].add(answer.json()["report_id"])

    for number in answers:
        threads = [threading.Thread(target=send, args=(number,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        if number % 10 == 9:
            field.of.signal("intake", signal.SIGKILL)
        for thread in threads:
            thread.join()
        field.of.await_ready()
    field.portal.twice += [str(number) for number, reports in answers.items() if len(reports) > 1]
    field.portal.offered_besides(len(answers))
    field.portal.accepted |= {-1 - number: next(iter(reports)) for number, reports in answers.items() if reports}
    field.recover()
    return len(answers) * 4
