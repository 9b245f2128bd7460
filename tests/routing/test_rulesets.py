"""Versions of the rules over HTTP: made, looked at, put in force, taken back."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.routing.domain.rulesets import ActivateRules, NotInForce, changes
from services.routing.store import rulesets
from shared.province import Rule
from tests.builders import MONDAY, said
from tests.routing.conftest import as_role
from tests.routing.drafts import NIGHT, activated, drafted, rules_of
from tests.wait import until


def asking(version: int) -> ActivateRules:
    words = {"report_id": uuid4(), "at": MONDAY, "actor": "operator:lan", "reason": "thử xem sao"}
    return ActivateRules(version=version, seen=1, province_version=1, **words)


def waits_for_a_lock(session: Any) -> bool:
    return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")))


class TestVersions:
    def test_a_draft_is_a_version_with_its_maker_and_reason_that_changes_nothing(self, http, receive, rooms):
        draft = drafted(http, NIGHT | {"hours": None})
        receive()

        page = http.get("/v1/rules").json()
        assert (page["in_force"], page["next"]) == (1, None)
        assert [(one["version"], one["based_on"], one["actor"], one["in_force"]) for one in page["versions"]] == [
            (2, 1, "operator:lan", False), (1, 0, "hoiam load", True),
        ]  # fmt: skip
        assert (draft["reason"], draft["rules"], draft["defects"], draft["activations"]) == ("Đèn đường ban đêm", 52, [], [])
        assert said(rooms)[0].agency == "dh"

    def test_come_in_pages(self, http):
        for _ in range(3):
            drafted(http)

        first = http.get("/v1/rules?limit=3").json()
        rest = http.get(f"/v1/rules?limit=3&before={first['next']}").json()

        assert [one["version"] for one in first["versions"] + rest["versions"]] == [4, 3, 2, 1]
        assert rest["next"] is None

    def test_a_draft_of_nothing_is_a_copy_of_the_rules_in_force(self, http):
        copy = http.post("/v1/rules", json={"reason": "bản nháp"}).json()

        assert rules_of(http, copy["version"]) == rules_of(http)
        assert http.get(f"/v1/rules/{copy['version']}/changes").json()["changes"] == []

    def test_are_compared_rule_by_rule(self, http):
        rules = rules_of(http)
        edited = [rules[1], rules[0], *rules[3:], NIGHT]
        edited[2] = edited[2] | {"agency": "sxd"}
        version = http.post("/v1/rules", json={"rules": edited, "reason": "sửa nhiều chỗ"}).json()["version"]

        found = http.get(f"/v1/rules/{version}/changes?since=1").json()["changes"]

        assert [(one["kind"], one["rule"], one["field"]) for one in found] == [
            ("removed", "gt01", ""), ("added", "den-dem", ""), ("changed", rules[3]["code"], "agency"), ("moved", "gt01-tinh-lo", ""),
        ]  # fmt: skip

    @pytest.mark.parametrize("statement", ["UPDATE rulesets SET rules = '[]'", "DELETE FROM activations"])
    def test_can_not_be_changed(self, http, rooms, statement):
        with rooms() as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(statement))

    @pytest.mark.parametrize("path", ["", "/changes", "/defects", "/replay"])
    def test_that_were_never_made_are_not_found(self, http, path):
        answer = http.get(f"/v1/rules/99{path}")

        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_version")

    @pytest.mark.parametrize(
        ("rules", "field"),
        [
            ([NIGHT | {"colour": "red"}], "rules.0.colour"),
            ([NIGHT, NIGHT], "rules.1.code"),
            ([NIGHT, NIGHT | {"code": "x", "hours": {"begin": "06:00", "end": "06:00"}}], "rules.1.hours"),
            ([NIGHT | {"areas": []}], "rules.0.areas.tuple[str, ...]"),
        ],
    )
    def test_that_are_no_rules_are_refused_with_their_place(self, http, rules, field):
        answer = http.post("/v1/rules", json={"rules": rules, "reason": "thử xem sao"})

        assert answer.status_code == 422
        assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.json()
        assert len(http.get("/v1/rules").json()["versions"]) == 1


class TestActivation:
    def test_decides_the_next_report_and_is_recorded_with_it(self, http, receive, rooms):
        version = drafted(http, NIGHT | {"hours": None})["version"]
        row = activated(http, version).json()
        receive()

        assert row["in_force"]
        assert [(one["actor"], one["reason"]) for one in row["activations"]] == [("operator:lan", "Đã duyệt thử")]
        assert (said(rooms)[0].agency, said(rooms)[0].rule) == ("mtdt-dh", "den-dem")
        with rooms() as session:
            assert session.execute(text("SELECT rule, rules_version FROM decisions")).one() == ("den-dem", version)

    def test_in_the_place_of_another_than_the_one_in_force_is_stale(self, http):
        one, other = drafted(http)["version"], drafted(http)["version"]

        answers = [activated(http, one), activated(http, other)]

        assert [answer.status_code for answer in answers] == [200, 412]
        assert answers[1].json()["code"] == "stale"
        assert http.get("/v1/rules").json()["in_force"] == one

    def test_of_two_at_once_one_is_stale(self, http):
        versions = [drafted(http)["version"] for _ in range(2)]
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda version=version: answers.append(activated(http, version).status_code)) for version in versions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [200, 412]

    def test_waits_for_one_that_another_process_has_begun_and_is_stale_then(self, http, rooms):
        versions = [drafted(http)["version"] for _ in range(2)]
        outcomes: list[str] = []

        def ask() -> None:
            try:
                with rooms.begin() as session:
                    rulesets.activate(session, asking(versions[1]))
                outcomes.append("done")
            except NotInForce:
                outcomes.append("stale")

        with rooms.begin() as first:
            rulesets.activate(first, asking(versions[0]))
            other = threading.Thread(target=ask)
            other.start()
            until(lambda: outcomes or waits_for_a_lock(first), 10, what="the other one waits")
        other.join(10)

        assert outcomes == ["stale"]

    def test_of_rules_with_defects_is_refused_and_names_the_first(self, http):
        version = http.post("/v1/rules", json={"rules": [NIGHT], "reason": "thiếu quy tắc"}).json()["version"]

        answer = activated(http, version)

        assert (answer.status_code, answer.json()["code"]) == (409, "defective")
        assert "GT01 is answered in 0 of 88 areas" in answer.json()["detail"]
        assert http.get("/v1/rules").json()["in_force"] == 1

    def test_is_taken_back_by_one_call_and_that_too(self, http, receive, rooms):
        version = drafted(http, NIGHT | {"hours": None})["version"]
        activated(http, version)

        back = http.post("/v1/rules:rollback", json={"in_place_of": version, "reason": "nhầm quy tắc"})
        receive()
        again = http.post("/v1/rules:rollback", json={"in_place_of": 1, "reason": "không nhầm"})

        assert (back.json()["version"], again.json()["version"]) == (1, version)
        assert said(rooms)[0].agency == "dh"

    def test_with_nothing_before_there_is_nothing_to_take_back(self, http):
        answer = http.post("/v1/rules:rollback", json={"in_place_of": 1, "reason": "thử xem sao"})

        assert (answer.status_code, answer.json()["code"]) == (404, "nothing_before")


class TestAccess:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/v1/rules"), ("POST", "/v1/rules"), ("POST", "/v1/rules/1/activation"), ("POST", "/v1/rules:rollback")],
    )
    def test_is_not_for_agencies(self, http, method, path):
        body = {"in_place_of": 1, "reason": "thử xem sao"}

        assert http.request(method, path, headers=as_role("agency:dh"), json=body).status_code == 403

    def test_auditors_read_and_change_nothing(self, http):
        assert http.get("/v1/rules", headers=as_role("auditor")).status_code == 200
        assert http.post("/v1/rules", headers=as_role("auditor"), json={"reason": "thử xem sao"}).status_code == 403


class TestChanges:
    def test_of_places_are_told_only_where_rules_pass_one_another(self):
        one, two, three = (Rule(code=code, priority=1, categories=("CS01",), agency="dh") for code in ("a", "b", "c"))

        assert changes([one, three], [one, two, three])[0].kind == "added"
        assert [(change.rule, change.kind) for change in changes([one, two, three], [three, one, two])] == [("c", "moved")]
