"""A day of the operations centre, seen by a real Prometheus: one agency stalls, the broker is gone for a while."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.cli.metrics_page import shown
from services.cli.up import SERVICES
from services.sla.store.scoring import COUNTED
from shared.clock import now
from shared.settings import PROJECT
from tests.system.running import REPORT, System, running
from tests.system.watchers import Watchers, asked, watching
from tests.wait import until

STALLED, DILIGENT, RETURNING = "dh", "txqt", "vl"
ANSWER = {"outcome": "explained", "answer": "Đã kiểm tra và sẽ thay bóng đèn trong tuần này."}
CONTACT = {"name": "Lê Thị Lan", "email": "lan@example.vn"}
DASHBOARDS = sorted((PROJECT / "deploy/grafana/dashboards").glob("*.json"))


class Day:
    """What people do in it."""

    def __init__(self, system: System) -> None:
        self.system, self.key = system, system.hoiam("portal", "add", "app", "Ứng dụng")
        self.codes: list[str] = []

    def report(self, agency: str, count: int = 1) -> list[Mapping[str, Any]]:
        bodies = [{**REPORT, "location": {"area": agency}, "contact": CONTACT} for _ in range(count)]
        answers = [self.system.post_report(self.key, body) for body in bodies]
        assert [answer.status_code for answer in answers] == [201] * count
        return [answer.json() for answer in answers]

    def held(self, report: Mapping[str, Any]) -> None:
        """Once its agency has it."""
        until(lambda: self.system.status(report["tracking_code"])["status"] == "routed", 30, what="the case routed")

    def answered(self, report: Mapping[str, Any], agency: str, rating: int) -> None:
        """Received, a word of the reporter and its answer, the result, its approval, and how the reporter liked it."""
        self.held(report)
        self._say(report, "comments", {"text": "Bao giờ sửa xong?"})
        comment = until(lambda: self._comment(report), 30, what="the comment with the agency")
        for who, what, words in (
            (f"agency:{agency}", "accept", {}),
            (f"agency:{agency}", "answer", {"comment_id": comment, "answer": "Trong tuần này."}),
            (f"agency:{agency}", "submit_result", ANSWER),
            ("operator", "approve", {}),
        ):
            self.ask(who, report, what, words)
        until(lambda: self.system.status(report["tracking_code"])["status"] == "resolved", 30, what="the public sees the answer")
        self._say(report, "rating", {"rating": rating})

    def ask(self, who: str, report: Mapping[str, Any], what: str, words: Mapping[str, Any]) -> None:
        answer = self.system.ask(who, report["report_id"], what, words)
        assert answer.is_success, answer.text

    def _say(self, report: Mapping[str, Any], what: str, words: Mapping[str, Any]) -> None:
        url = f"{self.system.layout.url('intake')}/v1/reports/{report['tracking_code']}/{what}"
        answer = self.system.http.post(url, json=words, headers={"X-Report-Secret": report["secret"]})
        assert answer.is_success, answer.text

    def _comment(self, report: Mapping[str, Any]) -> str | None:
        url = f"{self.system.layout.url('sla')}/v1/cases/{report['report_id']}"
        clocks = self.system.http.get(url, headers=self.system.headers("operator")).json()["clocks"]
        return next((clock["comment_id"] for clock in clocks if clock["comment_id"]), None)


@pytest.fixture
def system(open_folder: Path, database_url: str, amqp_url: str, rabbit) -> Iterator[System]:
    broker = {"AMQP_URL": amqp_url, "MANAGEMENT_URL": rabbit.management_url}
    with running(open_folder / uuid4().hex, DATABASE_URL=database_url, **broker) as system:
        yield system


@pytest.fixture
def watchers(open_folder: Path, system: System, amqp_url: str, rabbit) -> Iterator[Watchers]:
    with watching(open_folder / f"watchers-{uuid4().hex}", system, rabbit, urlsplit(amqp_url).path[1:]) as watchers:
        yield watchers


class TestTheWatchRoom:
    @pytest.mark.timeout(300)
    def test_the_right_alerts_fire_and_resolve_every_panel_has_data_and_figures_are_the_scorecards(self, system, watchers, rabbit):
        day, began = Day(system), time.time()
        stalled = day.report(STALLED, 6)
        a_morning(day)
        until(lambda: ("ticket", "AgencyStalled", STALLED) in watchers.heard.fired, 60, what="somebody is told of the stalled agency")

        rabbit.kill()
        until(lambda: ("page", "BrokerDown", "") in watchers.heard.fired, 60, what="somebody is called because of the broker")
        waiting = day.report(DILIGENT, 2)
        until(lambda: "OutboxStuck" in watchers.silenced(), 60, what="a full outbox, which the broker explains")
        rabbit.start()
        until(lambda: ("page", "BrokerDown", "") in watchers.heard.resolved, 60, what="the broker is back")

        for report in waiting:
            day.answered(report, DILIGENT, rating=4)
        a_morning(day)
        for report in stalled:
            day.ask(f"agency:{STALLED}", report, "accept", {})
        until(lambda: ("ticket", "AgencyStalled", STALLED) in watchers.heard.resolved, 60, what="the agency works again")

        until(lambda: watchers.query("max(hoiam_cases_to_score)") == {(): 0.0}, 30, what="all cases scored")
        until(lambda: figures_of(watchers) == figures_of_the_scorecard(system), 30, what="Prometheus shows the scorecard's figures")
        until(lambda: not without_data(watchers, began), 30, what="every panel has data", every=1)
        assert figures_on_the_wall(watchers) == pytest.approx(shares_of_the_scorecard(system))
        assert {name for _, name, _ in watchers.heard.fired} == {"AgencyStalled", "BrokerDown"}
        assert {service: faults for service in SERVICES if (faults := faults_of_the_page(system, service))} == {}
        assert system.hoiam("parked", "list") == "Nothing is parked."
        assert "All is well." in system.hoiam("status")


def a_morning(day: Day) -> None:
    """Some reports of two agencies, one of which gives one back."""
    for rating, report in zip((4, 2), day.report(DILIGENT, 2), strict=True):
        day.answered(report, DILIGENT, rating=rating)
    [returned] = day.report(RETURNING)
    day.held(returned)
    day.ask(f"agency:{RETURNING}", returned, "return", {"reason": "Không thuộc địa bàn quản lý", "proposed_agency": DILIGENT})


def without_data(watchers: Watchers, since: float) -> list[str]:
    """Panels of all dashboards of which a query never gave a number."""
    empty = []
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                if not watchers.has_shown(asked(target["expr"], DILIGENT), since, time.time()):
                    empty.append(f"{path.stem}: {panel['title']}: {target['expr']}")
    return empty


def faults_of_the_page(system: System, service: str) -> list[str]:
    """What promtool dislikes in /metrics, and what docs/metrics.md does not say, or says otherwise."""
    page = system.http.get(f"{system.layout.url(service)}/metrics").text
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=30)
    listed = {(one.name.removesuffix("_total"), one.kind, one.meaning): {*one.labels} for one in shown()}
    faults = checked.stderr.splitlines()
    for family in text_string_to_metric_families(page):
        labels = listed.get((family.name, family.type, family.documentation))
        if family.name.startswith("hoiam_") and not all(sample.labels.keys() - {"le"} == labels for sample in family.samples):
            faults.append(family.name)
    return faults


def figures_of(watchers: Watchers) -> dict[tuple[str, ...], float]:
    """By agency and figure."""
    return watchers.query("max by (agency, figure) (hoiam_scorecard_figures)")


def scorecard(system: System) -> Any:
    month = now().astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y-%m")
    url = f"{system.layout.url('sla')}/v1/scorecards"
    return system.http.get(url, params={"since": month, "until": month}, headers=system.headers("operator")).json()


def figures_of_the_scorecard(system: System) -> dict[tuple[str, ...], float]:
    cards = scorecard(system)["cards"]
    return {(card["about"]["agency"], name): card["figures"][name] for card in cards for name in COUNTED}


def figures_on_the_wall(watchers: Watchers) -> dict[str, float]:
    """What the first screen says about this month."""
    panels = json.loads((PROJECT / "deploy/grafana/dashboards/operations.json").read_text(encoding="utf-8"))["panels"]
    queries = {panel["title"].split(" · ")[-1]: panel["targets"][0]["expr"] for panel in panels if panel["type"] == "stat"}
    wanted = ("Received", "On time", "Answered within a day", "Satisfied", "Returned", "Opened again")
    return {title: watchers.query(queries[title])[()] for title in wanted}


def shares_of_the_scorecard(system: System) -> dict[str, float]:
    total = scorecard(system)["total"]
    figures, shares = total["figures"], total["shares"]
    return {
        "Received": figures["received"],
        "On time": shares["on_time_of_fallen_due"]["value"],
        "Answered within a day": shares["answered_in_a_day_of_messages"]["value"],
        "Satisfied": shares["satisfied_of_rated"]["value"],
        "Returned": figures["returned"],
        "Opened again": figures["reopened"],
    }
