"""People who use the system while it is broken: portals that send again until they are answered, agencies that read, and an operator."""

import contextlib
import json
import random
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import httpx2

from services.cli.agency import provision
from services.cli.process import LOOPBACK
from shared.bus import REQUESTS, BusDown, Delivery, Letter, Publisher
from shared.bus.rabbitmq import RabbitBus
from tests.faults.real.system import System

AREAS = ("dh", "txqt", "vl", "gl")
WORKERS = 8
PATIENCE = 120.0  # seconds a portal sends the same report again
ANSWER = {"outcome": "fixed", "answer": "Đã thay bóng đèn tại vị trí phản ánh.", "evidence": ["https://anh.example/sau.jpg"]}


class Portal:
    """Sends reports at ``rate`` a second, each until it is answered; every tenth once more. ``accepted``: report id by number."""

    def __init__(self, of: System, rate: float, *, workers: int = WORKERS) -> None:
        self._of, self._name = of, uuid4().hex[:8]
        self.rate = rate
        self.accepted: dict[int, str] = {}
        self.twice: list[str] = []  # one report that was answered as two
        self.offered = self.refused = 0
        self.slowest = 0.0
        self._stopping, self._lock = threading.Event(), threading.Lock()
        self._due = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """What was begun is ended."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _work(self) -> None:
        with httpx2.Client(timeout=10, trust_env=False) as http:
            while not self._stopping.is_set():
                number = self._next()
                report = self._until_answered(http, number)
                if report and number % 10 == 0 and self._until_answered(http, number) != report:
                    self.twice.append(report)

    def offered_besides(self, count: int) -> None:
        """By somebody else in its name; the numbers of those are not its own."""
        with self._lock:
            self.offered += count

    def _next(self) -> int:
        with self._lock:
            number, self.offered = self.offered, self.offered + 1
            self._due = max(self._due + 1 / self.rate, time.monotonic() - 1)
            wait = self._due - time.monotonic()
        time.sleep(max(wait, 0))
        return number

    def _until_answered(self, http: httpx2.Client, number: int) -> str:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            with contextlib.suppress(httpx2.HTTPError):
                asked = time.monotonic()
                answer = http.post(self.url, json=a_body(number), headers=self.headers(number))
                self.slowest = max(self.slowest, time.monotonic() - asked)
                if answer.status_code == 201:
                    self.accepted[number] = answer.json()["report_id"]
                    return self.accepted[number]
                assert answer.status_code in {429, 503}, answer.text
                self.refused += 1
            time.sleep(random.uniform(0.05, 0.25))
        return ""

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._of.ports['intake']}/v1/reports"

    def headers(self, number: int) -> dict[str, str]:
        return {"X-Api-Key": self._of.portal_key, "Idempotency-Key": f"{self._name}-{number}"}


def a_body(number: int) -> dict[str, object]:
    contact = {"contact": {"email": f"dan{number}@example.vn"}} if number % 5 == 0 else {}
    location = {"area": AREAS[number % len(AREAS)], "address": f"{number} Hùng Vương"}
    return {"category": "CS01", "description": "Đèn đường hỏng ba ngày nay.", "location": location, **contact}


class Agencies:
    """Read their queues, accept everything, finish every tenth once it is told that the first was done: a message that comes again may
    come after a later one. ``assigned``: names of the assignments by report."""

    def __init__(self, of: System) -> None:
        self.assigned: dict[str, set[str]] = defaultdict(set)
        self._to_finish: dict[str, dict[str, str]] = {}  # assignments by the name of their accept
        self.refused: list[str] = []
        self.deaf: set[str] = set()  # areas that read nothing just now
        self._stopping = threading.Event()
        urls = {area: provision(area, of.amqp_url, of.management_url) for area in AREAS}
        self._threads = [threading.Thread(target=self._live, args=(area, url), daemon=True) for area, url in urls.items()]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _live(self, area: str, url: str) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(BusDown):
                self._read(area, RabbitBus(url))
            self._stopping.wait(0.5)

    def _read(self, area: str, bus: RabbitBus) -> None:
        with ExitStack() as stack:
            consumer = stack.enter_context(closing(bus.consumer(f"agency.{area}", f"agency-{area}", prefetch=50)))
            publisher = stack.enter_context(closing(bus.publisher(f"agency.{area}")))
            while not self._stopping.is_set():
                if area in self.deaf:
                    self._stopping.wait(0.2)
                    continue
                deliveries = consumer.take(50, 0.3)
                self._send(publisher, [letter for delivery in deliveries for letter in self._answer(area, delivery)])
                consumer.ack(deliveries)

    @staticmethod
    def _send(publisher: Publisher, letters: list[Letter]) -> None:
        reasons = [reason for reason in publisher.publish(letters) if reason]
        if reasons:
            raise BusDown(reasons[0])

    def _answer(self, area: str, delivery: Delivery) -> list[Letter]:
        event = json.loads(delivery.body)
        topic = event["type"].removeprefix("vn.hoiam.").removesuffix(".v1")
        if topic == "request.refused":
            self.refused.append(event["data"]["code"])
        if topic == "request.done" and (assignment := self._to_finish.get(event["correlationid"])):
            return [_request(area, assignment, "submit_result", ANSWER)]
        if topic != "assignment":
            return []
        self.assigned[event["subject"]].add(event["id"])
        accept = _request(area, event, "accept", {})
        if UUID(event["subject"]).int % 10 == 0:
            self._to_finish[accept.message_id] = event
        return [accept]


def _request(area: str, assignment: dict[str, str], topic: str, data: dict[str, object]) -> Letter:
    """Its name is made of the assignment's, so reading the same assignment twice asks only once."""
    name = str(uuid5(UUID(assignment["id"]), topic))
    kind = f"vn.hoiam.{topic}.v1"
    event = {"specversion": "1.0", "id": name, "source": f"/agency/{area}", "type": kind, "subject": assignment["subject"]}
    body = json.dumps({**event, "time": assignment["time"], "data": data}).encode()
    return Letter(exchange=REQUESTS, routing_key=f"{area}.{topic}", message_id=name, type=kind, body=body)


class Operator:
    """Approves what is submitted, each under one name however often it has to be asked."""

    def __init__(self, of: System) -> None:
        self._of, self._stopping = of, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _work(self) -> None:
        with httpx2.Client(timeout=10, trust_env=False, headers={"Authorization": f"Bearer {self._of.operator}"}) as http:
            while not self._stopping.wait(0.5):
                with contextlib.suppress(httpx2.HTTPError, ValueError, KeyError):
                    self._approve(http)

    def _approve(self, http: httpx2.Client) -> None:
        url = f"http://{LOOPBACK}:{self._of.ports['sla']}/v1/cases"
        for case in http.get(url, params={"state": "submitted", "limit": 50}).json()["cases"]:
            name = str(uuid5(NAMESPACE_OID, f"approve {case['report_id']}"))
            http.post(f"{url}/{case['report_id']}/approve", json={}, headers={"Idempotency-Key": name})
