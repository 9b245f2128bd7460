"""What a reporter does when the answer is not good enough, and what becomes of a duplicate: through every service."""

from typing import Any

import httpx2

from tests.system.running import System, running
from tests.wait import until

RESULT = {"outcome": "fixed", "answer": "Đã thay bóng đèn tại vị trí phản ánh.", "evidence": ["media:anh-sau-khi-sua"]}


def is_shown(system: System, report: Any, status: str) -> None:
    until(lambda: system.status(report["tracking_code"])["status"] == status, what=f"the status {status}")


def says(system: System, report: Any, what: str, body: dict[str, Any]) -> httpx2.Response:
    url = f"{system.layout.url('intake')}/v1/reports/{report['tracking_code']}/{what}"
    return httpx2.post(url, json=body, headers={"X-Report-Secret": report["secret"]})


def answered(system: System, report: Any) -> None:
    """By the agency, and approved."""
    for role, request, body in (("agency:dh", "submit_result", RESULT), ("operator", "approve", {})):
        done = system.ask(role, report["report_id"], request, body)
        assert done.status_code == 200, done.text
    is_shown(system, report, "resolved")


class TestContestedAnswer:
    def test_opens_the_case_again_until_the_reporter_is_satisfied(self, open_folder):
        with running(open_folder / "contested") as system:
            report = system.post_report(system.hoiam("portal", "add", "app", "Ứng dụng")).json()
            is_shown(system, report, "routed")
            answered(system, report)

            assert says(system, report, "objection", {"reason": "Đèn vẫn tắt, chưa ai đến sửa."}).status_code == 202
            is_shown(system, report, "in_progress")
            answered(system, report)
            assert says(system, report, "rating", {"rating": 4}).status_code == 202
            is_shown(system, report, "closed")

            [case] = system.cases(state="closed")
            assert case["on_time"] is False
            topics = [entry["topic"] for entry in system.status(report["tracking_code"])["timeline"]]
            assert topics.count("case.resolved") == 2
            assert {"report.objected", "case.reopened", "report.rated", "case.closed"} <= set(topics)


class TestDuplicate:
    def test_hears_the_answer_to_the_report_it_follows(self, open_folder):
        with running(open_folder / "merged") as system:
            key = system.hoiam("portal", "add", "app", "Ứng dụng")
            leader, follower = system.post_report(key, name="a").json(), system.post_report(key, name="b").json()
            for report in (leader, follower):
                is_shown(system, report, "routed")

            merged = system.ask("operator", follower["report_id"], "merge", {"leader_id": leader["report_id"]})
            assert merged.status_code == 200, merged.text
            is_shown(system, follower, "merged")
            answered(system, leader)

            is_shown(system, follower, "resolved")
            assert system.status(follower["tracking_code"])["answer"] == RESULT["answer"]
            let_go = system.ask("operator", follower["report_id"], "unmerge", {"reason": "Khác vị trí, xử lý riêng"})
            assert (let_go.status_code, let_go.json()["state"]) == (200, "received")
            is_shown(system, follower, "received")
