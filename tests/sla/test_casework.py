"""One case over HTTP: what may be done about it, by whom; its version as an entity tag, and what is asked under it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.sla import store
from shared import messages as say
from shared.errors import Refused
from tests.builders import MONDAY, asked, received, routed
from tests.sla.calling import ROLES, calling
from tests.sla.cases import ANSWER, CENTRE, DAY, HOUR
from tests.sla.ways import WAYS, about, go, handle, leader_of

KINDS = (*say.AGENCY_REQUESTS, *say.CENTRE_REQUESTS)
NOW, LATE = MONDAY + 2 * HOUR, MONDAY + 30 * DAY


@pytest.fixture(scope="module")
def caller(module_rooms):
    with calling(module_rooms) as caller:
        yield caller


@pytest.fixture
def call(caller):
    caller.watch.at = NOW
    return caller


@pytest.fixture
def url(call):
    """A case that Đông Hà was given."""
    report = received()
    call.tell(report, routed(report))
    return f"/v1/cases/{report.report_id}"


def tag(call, url, role="operator"):
    return call.get(role, url).headers["ETag"]


class TestTag:
    def test_is_the_version_and_moves_with_the_history(self, call, url):
        first = call.get("agency:dh", url)
        assert first.headers["ETag"] == f'"{first.json()["version"]}"'

        accepted = call.post("agency:dh", f"{url}/accept")

        assert accepted.headers["ETag"] == tag(call, url) != first.headers["ETag"]
        assert {answer.headers["Cache-Control"] for answer in (first, accepted)} == {"private, no-cache"}

    @pytest.mark.parametrize("known", ["{}", "W/{}", '"1", {}', "*"])
    def test_that_is_known_saves_the_answer(self, call, url, known):
        now = tag(call, url)

        answer = call.get("operator", url, {"If-None-Match": known.format(now)})

        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", now)

    def test_that_is_old_gets_the_case_as_it_is(self, call, url):
        old = tag(call, url)
        call.post("agency:dh", f"{url}/accept")

        assert call.get("operator", url, {"If-None-Match": old}).json()["state"] == "in_progress"

    def test_tells_nobody_of_a_case_that_is_none_of_theirs(self, call, url):
        assert call.get("agency:vl", url, {"If-None-Match": "*"}).status_code == 404


class TestIfMatch:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.topic)
    def test_of_a_case_that_moved_since_is_stale_and_changes_nothing(self, call, kind):
        case = a_case_for(call, kind)
        url, by = f"/v1/cases/{case.report_id}", role_for(kind, case)
        old = call.get("operator", url).json()

        answer = call.post(by, f"{url}/{kind.topic}", body(kind, case), If_Match=f'"{case.moved - 1}"')

        assert (answer.status_code, answer.json()["code"]) == (412, "stale")
        assert call.get("operator", url).json() == old

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.topic)
    def test_of_the_case_as_it_is_lets_the_request_through(self, call, kind):
        case = a_case_for(call, kind)
        url, by = f"/v1/cases/{case.report_id}", role_for(kind, case)

        answer = call.post(by, f"{url}/{kind.topic}", body(kind, case), If_Match=tag(call, url))

        assert answer.status_code == 200, answer.text
        assert answer.headers["ETag"] == tag(call, url)

    def test_is_not_spoilt_by_words_and_reminders(self, call, url):
        seen = tag(call, url, "agency:dh")
        call.tell(say.ReportCommented(report_id=url[-36:], at=NOW, comment_id=uuid4(), text="Vẫn hỏng"))
        assert tag(call, url, "agency:dh") != seen

        assert call.post("agency:dh", f"{url}/accept", If_Match=seen).status_code == 200

    @pytest.mark.parametrize("known", ["{}", "W/{}", '"1", {}', "*", ""])
    def test_may_be_written_in_every_way_that_is_allowed(self, call, url, known):
        assert call.post("agency:dh", f"{url}/accept", If_Match=known.format(tag(call, url))).status_code == 200

    @pytest.mark.parametrize("unknown", ['"1"', '"999"', '"abc"', '""', '"-1"', '"١"'])
    def test_that_is_no_version_of_the_case_is_stale(self, call, url, unknown):
        call.post("agency:dh", f"{url}/accept")
        headers = call.token("agency:dh") | {"If-Match": unknown}

        answer = call.http.post(f"{url}/submit_result", json=ANSWER, headers={k: v.encode() for k, v in headers.items()})

        assert (answer.status_code, answer.json()["code"]) == (412, "stale")

    @pytest.mark.parametrize("broken", ["3", "W/3", '"3', "'3'", '"3" "4"', "*, *"])
    def test_that_is_no_tag_is_named(self, call, url, broken):
        answer = call.post("agency:dh", f"{url}/accept", If_Match=broken)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "if-match")

    def test_beside_a_version_in_the_body_counts_what_was_seen_first(self, call, url):
        now = tag(call, url)

        assert call.post("agency:dh", f"{url}/accept", {"version": 1}, If_Match=now).json()["code"] == "stale"
        assert call.post("agency:dh", f"{url}/accept", {"version": int(now.strip('"'))}, If_Match='"1"').json()["code"] == "stale"
        assert call.post("agency:dh", f"{url}/accept", {"version": int(now.strip('"'))}, If_Match=now).status_code == 200

    def test_of_a_request_that_was_done_already_does_not_matter_under_the_same_key(self, call, url):
        seen = tag(call, url)
        asked_twice = [call.post("agency:dh", f"{url}/accept", If_Match=seen, Idempotency_Key="one") for _ in range(2)]

        assert [answer.status_code for answer in asked_twice] == [200, 200]

    def test_lets_one_of_two_who_decide_at_once_win(self, call, url):
        call.post("agency:dh", f"{url}/submit_result", ANSWER)
        seen = tag(call, url)

        approved = call.post("operator", f"{url}/approve", If_Match=seen)
        sent_back = call.post("admin", f"{url}/send_back", {"reason": "Ảnh chưa rõ kết quả"}, If_Match=seen)

        assert (approved.status_code, sent_back.json()["code"]) == (200, "stale")


def a_case_for(call, kind):
    """One in a state in which such a request is done."""
    way = next(way for way in WAYS if is_allowed(call, kind, way))
    with call.handling.sessions.begin() as session:
        return go(session, way, *((say.ReportCommented,) if kind is say.AnswerReporter else ()))


def is_allowed(call, kind, way):
    """Only where something moved: who saw the first row of a case has seen all there is."""
    with call.handling.sessions() as session:
        case = go(session, way, *((say.ReportCommented,) if kind is say.AnswerReporter else ()))
        return case.moved > 1 and is_done(session, kind, case)


def role_for(kind, case):
    return f"agency:{case.agency}" if kind in say.AGENCY_REQUESTS else "operator"


def body(kind, case):
    return about(kind, case).model_dump(mode="json", exclude={"report_id", "at", "actor"})


def is_done(session, kind, case):
    """Whether a sound request of that kind would be done."""
    store.preload([about(kind, case)], session)
    try:
        handle(session, about(kind, case))
    except Refused:
        return False
    return True


class TestDetail:
    @pytest.mark.parametrize("role", ROLES)
    def test_is_for_who_works_with_the_case(self, call, url, role):
        assert call.get(role, url).status_code == 200

    def test_leads_to_why_it_is_due_and_to_the_proof_of_its_history(self, call, url):
        links = call.get("agency:dh", url).json()["links"]

        assert call.get("agency:dh", links["explanation"]).json()["deadline"]["sla_class"] == "S3"
        assert call.get("agency:dh", links["receipt"]).json()["code"] == "not_rooted"


class TestPossible:
    @pytest.mark.parametrize("way", WAYS)
    def test_offers_what_will_be_done_and_nothing_that_would_be_refused(self, call, way):
        with call.handling.sessions.begin() as session:
            case = go(session, way, say.ReportCommented)
        url, by = f"/v1/cases/{case.report_id}", f"agency:{case.agency}"
        call.watch.at = MONDAY + case.version * timedelta(minutes=1)
        offered = {kind: call.get(by if kind in say.AGENCY_REQUESTS else "operator", url).json()["possible"] for kind in KINDS}

        for kind in KINDS:
            with call.handling.sessions() as session:
                assert (kind.topic in offered[kind]) == is_done(session, kind, store.asked_case(session, case.report_id)), kind

    def test_offers_nothing_to_who_only_looks_or_helps(self, call):
        report = received()
        call.tell(report, routed(report, supporting=("sxd",)))

        offered = {
            role: call.get(role, f"/v1/cases/{report.report_id}").json()["possible"] for role in ("auditor", "agency:sxd", "agency:dh")
        }
        assert offered["auditor"] == offered["agency:sxd"] == []
        assert "accept" in offered["agency:dh"]
        assert set(offered["agency:dh"]) <= {kind.topic for kind in say.AGENCY_REQUESTS}

    def test_does_not_offer_to_end_a_case_that_others_follow(self, call):
        with call.handling.sessions.begin() as session:
            leader = leader_of(go(session, "merged"))

        offered = set(call.get("operator", f"/v1/cases/{leader}").json()["possible"])

        assert "route" in offered
        assert {"refuse", "cancel", "merge"} & offered == set()

    def test_follows_the_rules_beyond_the_table(self, call, url):
        assert {"return", "request_extension"} <= set(call.get("agency:dh", url).json()["possible"])

        for _ in range(2):
            back = asked(say.ReturnCase, url[-36:], reason="Không thuộc địa bàn quản lý")
            call.tell(back, asked(say.RouteReport, url[-36:], by=CENTRE, agency="dh", reason="Thuộc thẩm quyền"))
        call.watch.at = LATE

        assert {"return", "request_extension"} & set(call.get("agency:dh", url).json()["possible"]) == set()
        assert "extend" not in call.get("operator", url).json()["possible"]
