"""Who uses the whole system at once: a portal with many reports, and the agencies that read what became of them."""

import contextlib
import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing

import httpx2

from shared.bus.rabbitmq import RabbitBus
from tests.system.running import REPORT, System
from tests.wait import until

AREAS = ("dh", "txqt", "vl", "gl")


class Portal:
    """Posts one report after the other, and the same one again until it is answered."""

    def __init__(self, system: System, key: str) -> None:
        self.system, self.key = system, key
        self.accepted: dict[str, str] = {}

    def post(self, numbers: Iterable[int], workers: int = 8) -> list[threading.Thread]:
        lock, each = threading.Lock(), iter(numbers)
        threads = [threading.Thread(target=self._work, args=(each, lock)) for _ in range(workers)]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, numbers: Iterator[int], lock: threading.Lock) -> None:
        with httpx2.Client(timeout=10, trust_env=False) as http:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                self._until_answered(http, number)

    def _until_answered(self, http: httpx2.Client, number: int) -> None:
        body = {**REPORT, "location": {"area": AREAS[number % len(AREAS)]}}
        headers = {"X-Api-Key": self.key, "Idempotency-Key": f"report-{number}"}
        url = f"{self.system.layout.url('intake')}/v1/reports"

        def answered() -> bool:
            with contextlib.suppress(httpx2.HTTPError):
                answer = http.post(url, json=body, headers=headers)
                if answer.status_code == 201:
                    self.accepted[answer.json()["report_id"]] = answer.json()["tracking_code"]
                    return True
                assert answer.status_code == 503, answer.text
                assert answer.headers["retry-after"]
            return False

        until(answered, 60, what=f"report {number} accepted", every=0.1)


def steadily(done: threading.Event, pause: float = 0.02) -> Iterator[int]:
    """Numbers for a portal that goes on, one each ``pause`` seconds, until it is ``done``."""
    for number in itertools.count():
        if done.wait(pause):
            return
        yield number


class Readers:
    """People who look into every service again and again, and note every answer that no retry would mend."""

    def __init__(self, system: System) -> None:
        self.system, self.done = system, threading.Event()
        self.answers: dict[str, int] = defaultdict(int)
        self.broken: list[str] = []
        self._headers = system.headers("admin")
        paths = {"intake": "/v1/reports", "routing": "/v1/triage", "sla": "/v1/cases", "notify": "/v1/webhooks"}
        self._threads = [threading.Thread(target=self._look, args=(service, path)) for service, path in paths.items()]

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Until the end of the block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.done.set()
            for thread in self._threads:
                thread.join()

    def _look(self, service: str, path: str) -> None:
        with httpx2.Client(timeout=10, trust_env=False, headers=self._headers) as http:
            while not self.done.wait(0.02):
                with contextlib.suppress(httpx2.HTTPError):
                    answer = http.get(self.system.layout.url(service) + path)
                    self.answers[service] += answer.is_success
                    if not answer.is_success and not (answer.status_code == 503 and answer.headers.get("retry-after")):
                        self.broken.append(f"{service} {answer.status_code} {answer.text}")


def assignments(bus: RabbitBus, area: str) -> dict[str, set[str]]:
    """Ids of the assignments waiting for an agency, by report: a repeated delivery has the id of the first."""
    found: dict[str, set[str]] = defaultdict(set)
    with closing(bus.consumer(f"agency.{area}", "test")) as consumer:
        while deliveries := consumer.take(200, 0.5):
            for delivery in deliveries:
                event = json.loads(delivery.body)
                if event["type"] == "vn.hoiam.assignment.v1":
                    found[event["subject"]].add(event["id"])
            consumer.ack(deliveries)
    return found
