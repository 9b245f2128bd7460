"""Rules tried before they are put in force: what is wrong with them, and what they would have changed."""

from tests.builders import MONDAY
from tests.routing.drafts import NIGHT, drafted


class TestDefects:
    def test_are_told_by_rule_and_place(self, http):
        version = drafted(http, NIGHT | {"code": "la", "agency": "nobody"})["version"]

        found = http.get(f"/v1/rules/{version}/defects").json()

        assert [(one["code"], one["rule"], one["place"], one["text"]) for one in found["defects"]] == [
            ("unknown", "la", 51, "unknown agency 'nobody'")
        ]
        assert (found["rules"], found["pairs"]) == (52, 3080)

    def test_on_another_day(self, http):
        version = drafted(http, NIGHT | {"effective_to": "2027-01-01"})["version"]

        later = http.get(f"/v1/rules/{version}/defects?day=2027-01-01").json()["defects"]

        assert [one["code"] for one in later] == ["expired"]


class TestReplay:
    def test_lists_what_would_have_changed(self, http, receive):
        reports = [receive(), receive(category="GT06")]
        version = drafted(http, NIGHT | {"hours": None})["version"]

        found = http.get(f"/v1/rules/{version}/replay").json()

        assert (found["looked_at"], found["changed"], found["compared_with"]) == (2, 1, 1)
        assert found["moves"] == [{"before": "dh", "after": "mtdt-dh", "reports": 1}]
        [difference] = found["differences"]
        assert difference["report_id"] == str(reports[0].report_id)
        assert (difference["before"]["rule"], difference["after"]["rule"]) == ("do-thi", "den-dem")

    def test_counts_how_many_would_have_gone_where_they_ended(self, http, receive):
        receive()
        version = drafted(http, NIGHT | {"hours": None})["version"]

        found = http.get(f"/v1/rules/{version}/replay").json()

        assert (found["settled"], found["right_before"], found["right_after"]) == (1, 1, 0)

    def test_keeps_the_hour_of_a_report_and_takes_the_day_that_is_asked_about(self, http, receive):
        receive(at=MONDAY.replace(hour=22))
        receive(at=MONDAY)
        version = drafted(http, NIGHT | {"effective_from": "2027-01-01"})["version"]

        changed = [http.get(f"/v1/rules/{version}/replay?day={day}").json()["changed"] for day in ("2026-12-31", "2027-01-01")]

        assert changed == [0, 1]

    def test_looks_at_the_newest_only(self, http, receive):
        for _ in range(3):
            receive()
        version = drafted(http)["version"]

        assert http.get(f"/v1/rules/{version}/replay?last=2").json()["looked_at"] == 2
