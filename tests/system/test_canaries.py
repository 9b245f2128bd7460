"""Who reported is known to intake and notify alone: looked for in every message, log, metric and error of a whole running system."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pika
import pytest

from services.cli.up import SERVICES
from shared.access import Role
from tests.system.running import REPORT, System, running
from tests.wait import until

NAME, PHONE, EMAIL = "Hồ Thị Chim Yến", "0987 654 321", "chim.yen@example.vn"
CONTACT = {"name": NAME, "phone": PHONE, "email": EMAIL}
WORDS = f"Đèn hỏng ba ngày nay. Gọi {PHONE} hoặc {PHONE.replace(' ', '.')}, hay viết cho {EMAIL}."
CANARIES = {
    "the name": r"Chim\s*Y[ếe]n",
    "the number": r"9\D{0,2}8\D{0,2}7\D{0,2}6\D{0,2}5\D{0,2}4\D{0,2}3\D{0,2}2\D{0,2}1",
    "the address": r"chim\.yen",
}


def canaries(text: str) -> set[str]:
    """Which of them sing in ``text``, however JSON wrote it."""
    text = re.sub(r"\\u([0-9a-f]{4})", lambda escaped: chr(int(escaped[1], 16)), text)
    return {name for name, pattern in CANARIES.items() if re.search(pattern, text, re.IGNORECASE)}


@pytest.fixture(scope="module")
def system(open_folder: Path, module_database_url: str, module_amqp_url: str, rabbit) -> Iterator[System]:
    broker = {"AMQP_URL": module_amqp_url, "MANAGEMENT_URL": rabbit.management_url}
    with running(open_folder / uuid4().hex, DATABASE_URL=module_database_url, **broker) as system:
        yield system


@pytest.fixture(scope="module")
def key(system: System) -> str:
    return system.hoiam("portal", "add", "app", "Ứng dụng")


@contextmanager
def overheard(amqp_url: str) -> Iterator[list[str]]:
    """Every message on every exchange, as an administrator could read it; filled when the block ends."""
    bodies: list[str] = []
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        for exchange, key in (("hoiam.events", "#"), ("hoiam.requests", "#"), ("hoiam.agencies", "dh"), ("hoiam.agencies", "ioc")):
            channel.queue_bind(queue, exchange, key)
        yield bodies
        while (found := channel.basic_get(queue, auto_ack=True))[0] is not None:
            bodies.append(found[2].decode())


class TestCanaries:
    def test_are_heard(self):
        assert canaries(json.dumps(CONTACT)) == set(CANARIES)
        assert canaries(json.dumps(CONTACT, ensure_ascii=False)) == set(CANARIES)
        assert canaries(WORDS) == set(CANARIES) - {"the name"}

    def test_sing_nowhere_on_the_way_of_a_report_to_its_answer(self, system, key, module_amqp_url):
        intake = system.layout.url("intake")
        errors = []

        with overheard(module_amqp_url) as bodies:
            receipt = system.post_report(key, {**REPORT, "description": WORDS, "contact": CONTACT}).json()
            report, secret = receipt["report_id"], {"X-Report-Secret": receipt["secret"]}
            until(lambda: system.status(receipt["tracking_code"])["status"] == "routed", what="the case routed")
            for path, body in (("comments", {"text": WORDS}), ("rating", {"rating": 9, "reasons": [WORDS]}), ("rating", WORDS)):
                errors.append(system.http.post(f"{intake}/v1/reports/{receipt['tracking_code']}/{path}", json=body, headers=secret))
            errors += [
                system.post_report(key, {**REPORT, "contact": {**CONTACT, "phone": f"{PHONE}0"}, "category": EMAIL}),
                system.post_report(key, {**REPORT, "note": f"{NAME}, {PHONE}", "language": EMAIL}),
                system.http.get(f"{intake}/v1/reports/{PHONE}"),
                system.http.get(f"{intake}/v1/reports/{receipt['tracking_code']}"),
            ]
            system.ask("agency:dh", report, "accept", {})
            system.ask("agency:dh", report, "submit_result", {"outcome": "explained", "answer": "Sẽ thay trong tuần này."})
            system.ask("operator", report, "approve", {})
            until(lambda: system.status(receipt["tracking_code"])["status"] == "resolved", what="the case resolved")
            until(lambda: "notice.delivered" in str(system.status(receipt["tracking_code"])), what="the reporter told")
            errors.append(
                system.http.post(f"{intake}/v1/reports/{receipt['tracking_code']}/objection", json={"reason": WORDS}, headers=secret)
            )
            until(lambda: all(system.metric(service, "hoiam_outbox_rows") == 0 for service in SERVICES), 30, what="outboxes empty")

        told = {json.loads(body)["type"] for body in bodies}
        assert {"vn.hoiam.reporter.reachable.v1", "vn.hoiam.assignment.v1", "vn.hoiam.report.objected.v1"} <= told
        assert [body[:300] for body in bodies if canaries(body)] == []
        assert [answer.text for answer in errors if canaries(answer.text)] == []
        assert [line for line in system.lines if canaries(line)] == []
        for service in SERVICES:
            assert canaries(system.http.get(f"{system.layout.url(service)}/metrics").text) == set()
        letters = "".join(path.read_text(encoding="utf-8") for path in system.layout.folder.glob("mailbox/**/*.eml"))
        assert "chim.yen" in letters  # notify did know

    def test_an_anonymous_report_is_answered_and_nobody_is_written_to(self, system, key):
        receipt = system.post_report(key).json()
        report, code = receipt["report_id"], receipt["tracking_code"]
        until(lambda: system.status(code)["status"] == "routed", what="the case routed")
        system.ask("agency:dh", report, "accept", {})
        system.ask("agency:dh", report, "submit_result", {"outcome": "explained", "answer": "Sẽ thay trong tuần này."})
        system.ask("operator", report, "approve", {})

        until(lambda: system.status(code)["status"] == "resolved", what="the case resolved")

        assert self.to_the_reporter(system, report) == []

    def test_a_forgotten_reporter_is_forgotten_everywhere(self, system, key):
        number = "0912 345 678"  # nobody else's here
        receipt = system.post_report(key, {**REPORT, "contact": {**CONTACT, "phone": number}}).json()
        until(lambda: {notice["to"] for notice in self.known(system, receipt)} == {"c***@example.vn"}, what="the letter in notify")
        exported = json.loads(system.hoiam("privacy", "export", "--phone", number, "--reason", "Người gửi hỏi"))

        system.hoiam("privacy", "erase", receipt["tracking_code"], "--reason", "Người gửi đề nghị")
        until(lambda: {notice["to"] for notice in self.known(system, receipt)} == {""}, what="notify has forgotten")

        again = json.loads(system.hoiam("privacy", "export", "--phone", number, "--reason", "Kiểm tra"))
        assert canaries(json.dumps(exported)) == {"the name", "the address"}
        assert again["reports"] == []

    @staticmethod
    def to_the_reporter(system: System, report: str):
        """Offices are written to about every report."""
        url = f"{system.layout.url('notify')}/v1/notices"
        answer = system.http.get(url, params={"report_id": report}, headers=system.headers(Role.OPERATOR))
        notices = answer.json()["notices"] if answer.is_success else []
        return [notice for notice in notices if notice["reader"] == "reporter"]

    @classmethod
    def known(cls, system: System, receipt):
        return cls.to_the_reporter(system, receipt["report_id"])
