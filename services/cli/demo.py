"""A few reports posted to a running system, and one of them walked to its answer: as portal, agency, operations centre and citizen."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2

from services.cli import keys
from services.cli.process import CannotStart
from services.cli.system import room
from services.cli.up import Layout
from services.intake.store import portals
from shared.bus.postgres import PostgresBus
from shared.bus.topology import agency_queue
from shared.clock import now

Say = Callable[[str], None]
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
PATIENCE = 30.0  # seconds a step may take
WALKED: dict[str, Any] = {
    "category": "CS01",
    "description": "Ba bóng đèn đường trước số 12 Hùng Vương tắt từ tối thứ Bảy, đoạn này rất tối.",
    "location": {"area": "dh", "address": "12 Hùng Vương, Đông Hà"},
    "contact": {"name": "Nguyễn Thị Lan", "email": "lan@example.vn"},
}
RESULT = {
    "outcome": "fixed",
    "answer": "Đã thay ba bóng đèn, đường đã sáng trở lại.",
    "evidence": ["https://anh.quangtri.example/den-duong-sau-khi-sua.jpg"],
}
OTHERS: tuple[dict[str, Any], ...] = (
    {"category": "GT03", "description": "Hố ga mất nắp giữa đường, đã có xe máy vấp ngã.", "location": {"area": "txqt"}, "urgent": True},
    {"category": "DL02", "description": "Dây điện võng sát mặt đường ở đầu thôn.", "location": {"area": "vl", "address": "Thôn Hòa Phú"}},
    {"category": "MT01", "description": "Rác chưa được thu gom ba ngày nay.", "location": {"latitude": 16.8163, "longitude": 107.1003}},
    {"category": "KH99", "description": "Loa phường phát quá to lúc năm giờ sáng.", "location": {"area": "gl"}},
)
NAMES = {
    "report.received": "received",
    "report.routed": "routed",
    "case.assigned": "in the agency's queue",
    "case.accepted": "accepted by the agency",
    "case.submitted": "result submitted",
    "case.resolved": "approved",
    "notice.delivered": "reporter notified",
}


def walk(layout: Layout, database_url: str, say: Say) -> None:
    """The whole journey, said step by step. Raises :class:`CannotStart` when a step does not come true in time."""
    with _client(layout, database_url) as client:
        say("")
        say(f"Posting {len(OTHERS) + 1} reports as a portal …")
        report = client.post_report(WALKED)
        for other in OTHERS:
            client.post_report(other)
        routed = client.wait_for(report, "report.routed")
        say(f"  routed: {_text(routed)}")
        case = client.case_in_queue(report)
        waiting = PostgresBus(database_url).depth(agency_queue(case["agency"]))
        say(f"  in the queue {agency_queue(case['agency'])} ({waiting} waiting), to be answered by {_local(case['due_at'])}")
        client.as_agency(case, "accept", {})
        client.as_agency(case, "submit_result", RESULT)
        client.wait_for(report, "case.submitted")
        client.as_operator(case, "approve", {})
        client.wait_for(report, "notice.delivered", about="case.resolved")
        _print_journey(report, client.timeline(report), say)
        _print_places(layout, report, say)


class _Client:
    """Everybody's side of the HTTP API."""

    def __init__(self, layout: Layout, portal_key: str, http: httpx2.Client) -> None:
        self._layout, self._portal_key, self._http = layout, portal_key, http

    def post_report(self, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"X-Api-Key": self._portal_key, "Idempotency-Key": str(uuid4())}
        return self._ask("POST", f"{self._layout.url('intake')}/v1/reports", headers, body)

    def timeline(self, report: Mapping[str, Any]) -> list[dict[str, Any]]:
        view = self._ask("GET", f"{self._layout.url('intake')}/v1/reports/{report['tracking_code']}", {}, None)
        events: list[dict[str, Any]] = view["timeline"]
        return events

    def wait_for(self, report: Mapping[str, Any], topic: str, *, about: str | None = None) -> dict[str, Any]:
        """The first event of ``topic`` on the public timeline; with ``about``, the first that told this fact."""

        def found() -> dict[str, Any] | None:
            events = (event for event in self.timeline(report) if event["topic"] == topic)
            return next((event for event in events if about in (None, event["about"])), None)

        return _until(found, f"{topic} of report {report['tracking_code']}")

    def case_in_queue(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """The case once an agency holds it."""

        def routed() -> dict[str, Any] | None:
            view = self._http.get(self._case_url(report), headers=self._token("operator"))
            return view.json() if view.is_success and view.json()["state"] == "routed" else None

        return _until(routed, f"an agency to hold report {report['tracking_code']}")

    def as_agency(self, case: Mapping[str, Any], request: str, body: Mapping[str, Any]) -> None:
        self._ask("POST", f"{self._case_url(case)}/{request}", self._token(f"agency:{case['agency']}"), body)

    def as_operator(self, case: Mapping[str, Any], request: str, body: Mapping[str, Any]) -> None:
        self._ask("POST", f"{self._case_url(case)}/{request}", self._token("operator"), body)

    def _case_url(self, report: Mapping[str, Any]) -> str:
        return f"{self._layout.url('sla')}/v1/cases/{report['report_id']}"

    def _token(self, role: str) -> dict[str, str]:
        signed = keys.token(self._layout.keys / keys.PRIVATE, role=role, name="demo", at=now(), hours=0.5)
        return {"Authorization": f"Bearer {signed}"}

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> dict[str, Any]:
        answer = self._http.request(method, url, headers=dict(headers), json=body)
        if not answer.is_success:
            raise CannotStart(f"{method} {url} was answered with {answer.status_code}: {answer.text[:500]}")
        view: dict[str, Any] = answer.json()
        return view


@contextmanager
def _client(layout: Layout, database_url: str) -> Iterator[_Client]:
    key_file = layout.keys / "portal_demo"
    if not key_file.exists():
        with room(database_url, "intake") as rooms, rooms.begin() as session:
            key = portals.add_portal(session, "demo", "Cổng trình diễn", now())
        key_file.touch(mode=0o600)
        key_file.write_text(key, encoding="utf-8")
    with httpx2.Client(timeout=10, trust_env=False) as http:
        yield _Client(layout, key_file.read_text(encoding="utf-8"), http)


def _until(found: Callable[[], dict[str, Any] | None], what: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise CannotStart(f"Waited {PATIENCE:.0f} s for {what} in vain. `hoiam parked list` and the lines above may say why.")


def _print_journey(report: Mapping[str, Any], events: list[dict[str, Any]], say: Say) -> None:
    say("")
    say(f"The journey of {report['tracking_code']}:")
    began = datetime.fromisoformat(events[0]["at"])
    for event in events:
        if event["topic"] in NAMES:
            at = datetime.fromisoformat(event["at"])
            took = (at - began).total_seconds()
            say(f"  {at.astimezone(VIETNAM):%H:%M:%S.%f}"[:-3] + f"  +{took:6.2f} s  {NAMES[event['topic']]:24} {_text(event)}")


def _print_places(layout: Layout, report: Mapping[str, Any], say: Say) -> None:
    say("")
    say(f"  curl {layout.url('intake')}/v1/reports/{report['tracking_code']}")
    say(f"  mail to the reporter: {layout.folder / 'mailbox'}")
    say(f"  APIs: {'  '.join(f'{layout.url(name)}/docs' for name in ('intake', 'routing', 'sla', 'notify'))}")
    say("  Ctrl-C stops everything; the data stays.")


def _text(event: Mapping[str, Any]) -> str:
    text = event.get("text") or {}
    return str(text.get("vi", "") if isinstance(text, dict) else text)


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(VIETNAM):%H:%M %d/%m/%Y}"
