"""The whole journey: portal, four services, agencies that accept and answer over AMQP, and an operations centre that approves over HTTP.

All of them are on this machine, so its processors do the clients' work, too.
"""

import asyncio
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from uuid import uuid4

import psycopg2

from services.cli import agency as agencies
from services.cli.bench.client import AREAS, Portal, answer
from services.cli.bench.costs import cpu_seconds
from services.cli.bench.figures import Figures, JsonFile, keep, show, spread
from services.cli.bench.stand import Stand, machines, stand
from services.cli.private_rabbitmq import PrivateRabbit
from services.cli.process import LOOPBACK, CannotStart, wait_until
from shared.bus import REQUESTS, Letter
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import agency_queue
from shared.clock import now

Say = Callable[[str], None]
RESULT = {
    "outcome": "fixed",
    "answer": "Đơn vị đã kiểm tra và khắc phục xong tại hiện trường.",
    "evidence": ["https://anh.example/sau-khi-khac-phuc.jpg"],
}
CONNECTIONS, APPROVERS = 64, 16
WARM_UP, PATIENCE = 100, 240.0
CPU, SERVICE = "cpu_ms_per_report_", ("intake", "routing", "sla", "notify")


class Agency:
    """One agency's system. ``submitted`` gets the report id of each case whose result was taken."""

    def __init__(self, code: str, amqp_url: str, submitted: "queue.SimpleQueue[str]") -> None:
        self._code, self._bus, self._submitted = code, RabbitBus(amqp_url), submitted

    def work(self, over: threading.Event) -> None:
        """Read, ask, acknowledge, until it is ``over``."""
        results = dict[str, str]()  # id of the request → report id
        with (
            closing(self._bus.consumer(agency_queue(self._code), "agency")) as consumer,
            closing(self._bus.publisher(f"agency.{self._code}")) as publisher,
        ):
            while not over.is_set():
                deliveries = consumer.take(100, 0.2)
                letters = [letter for delivery in deliveries for letter in self._answered(json.loads(delivery.body), results)]
                if any(publisher.publish(letters)):
                    raise RuntimeError("the broker did not take what an agency asked")
                consumer.ack(deliveries)

    def _answered(self, event: Mapping[str, str], results: dict[str, str]) -> Iterator[Letter]:
        kind = event["type"].removeprefix("vn.hoiam.").removesuffix(".v1")
        if kind == "assignment":
            yield self._request("accept", event["subject"], {})
            submit = self._request("submit_result", event["subject"], RESULT)
            results[submit.message_id] = event["subject"]
            yield submit
        elif kind == "request.refused":
            raise RuntimeError(f"an agency was refused: {event}")
        elif event.get("correlationid") in results:
            self._submitted.put(results.pop(event["correlationid"]))

    def _request(self, verb: str, report_id: str, data: Mapping[str, object]) -> Letter:
        name, kind = str(uuid4()), f"vn.hoiam.{verb}.v1"
        event = {"specversion": "1.0", "id": name, "source": f"/agency.{self._code}", "type": kind, "subject": report_id}
        body = json.dumps(event | {"time": now().isoformat(), "datacontenttype": "application/json", "data": data}).encode()
        return Letter(exchange=REQUESTS, routing_key=f"{self._code}.{verb}", message_id=name, type=kind, body=body)


class Centre:
    """People who approve what was handed in. ``resolved`` maps each report id to the moment at which its approval was answered."""

    def __init__(self, at: Stand, submitted: "queue.SimpleQueue[str]") -> None:
        self._stand, self._submitted = at, submitted
        self.resolved: dict[str, float] = {}

    def work(self, over: threading.Event) -> None:
        """Until it is ``over``, on so many connections as there are threads in here."""
        asyncio.run(self._work(over))

    async def _work(self, over: threading.Event) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._stand.ports["sla"])
        while not over.is_set():
            try:
                report_id = self._submitted.get(timeout=0.2)
            except queue.Empty:
                continue
            await answer(reader, writer, self._approval(report_id), expected=200)
            self.resolved[report_id] = time.perf_counter()
        writer.close()

    def _approval(self, report_id: str) -> bytes:
        return (
            f"POST /v1/cases/{report_id}/approve HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._stand.operator}\r\n"
            f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        ).encode()


def journey(reports: int = 1500, rounds: int = 3, json_file: JsonFile = None) -> None:
    """Reports a second from the first POST to the last `resolved`, with agencies and approval, and what one costs in processor and disk."""
    figures = measure(reports=reports, rounds=rounds, say=print)
    show(figures)
    keep(figures, json_file)


def measure(*, reports: int, rounds: int, say: Say) -> Figures:
    """Each round in a database and vhost of its own."""
    say("starting PostgreSQL and RabbitMQ …")
    found = list[Figures]()
    with machines() as (postgres, rabbit, folder):
        for number in range(rounds):
            with stand(postgres, rabbit, folder, f"journey_{number}", {}) as at:
                pids = {**at.pids, "postgresql": postgres.pid or 0, "rabbitmq": rabbit.pid or 0}
                found.append(_round(at, _providing(rabbit, f"journey_{number}"), pids, reports))
            say(f"round {number + 1}/{rounds} {found[-1]['resolved_per_second']:,.0f} reports/s")
    return {name: value for key in found[0] for name, value in spread(key, [one[key] for one in found]).items()}


def _providing(rabbit: PrivateRabbit, vhost: str) -> dict[str, str]:
    amqp = rabbit.amqp_url.rsplit("/", 1)[0] + f"/{vhost}"
    return {code: agencies.provision(code, amqp, rabbit.management_url) for code in AREAS}


def _round(at: Stand, urls: Mapping[str, str], pids: Mapping[str, int], reports: int) -> Figures:
    with _everybody(at, urls) as centre:
        _walk(at, centre, WARM_UP)
        spent, bytes_before = {name: cpu_seconds(pid) for name, pid in pids.items()}, _bytes(at.database_url)
        began = time.perf_counter()
        _walk(at, centre, reports)
        took = max(centre.resolved.values()) - began
        cpu = {f"{CPU}{name}": (cpu_seconds(pid) - spent[name]) * 1000 / reports for name, pid in pids.items()}
        grown = {name: (after - bytes_before[name]) / reports for name, after in _bytes(at.database_url).items()}
    services = {f"{CPU}of_all_services": sum(cpu[CPU + name] for name in SERVICE)}
    return {"resolved_per_second": reports / took, **services, **cpu, **grown}


@contextmanager
def _everybody(at: Stand, urls: Mapping[str, str]) -> Iterator[Centre]:
    """Agencies and centre at work; what ended one of them is raised at the end."""
    submitted, over, failed = queue.SimpleQueue[str](), threading.Event(), list[Exception]()
    centre = Centre(at, submitted)
    works = [*(Agency(code, url, submitted).work for code, url in urls.items()), *(centre.work for _ in range(APPROVERS))]

    def watched(work: Callable[[threading.Event], None]) -> None:
        try:
            work(over)
        except Exception as error:  # noqa: BLE001 - raised by the thread that waits
            failed.append(error)
            over.set()

    with ExitStack() as stack:
        for work in works:
            thread = threading.Thread(target=watched, args=(work,))
            thread.start()
            stack.callback(thread.join)
        stack.callback(over.set)
        yield centre
    if failed:
        raise failed[0]


def _walk(at: Stand, centre: Centre, count: int) -> None:
    portal = Portal(at.intake_port, at.portal_key)
    asyncio.run(portal.at_full_speed(count, CONNECTIONS))
    if not wait_until(lambda: portal.accepted.keys() <= centre.resolved.keys(), timeout=PATIENCE):
        missing = len(portal.accepted.keys() - centre.resolved.keys())
        raise CannotStart(f"{missing} of {count} reports were not resolved within {PATIENCE:.0f} s")


def _bytes(url: str) -> dict[str, float]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()), pg_current_wal_lsn() - '0/0'")
        [(size, written)] = cursor.fetchall()
    return {"database_bytes_per_report": float(size), "wal_bytes_per_report": float(written)}
