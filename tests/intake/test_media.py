"""Photos come in by two doors, are screened, and are shown to whom they are for."""

from datetime import timedelta
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from PIL import Image

from services.intake.domain.media import MOST_OF_AGENCY, MOST_OF_REPORTER, UNCLAIMED
from shared import messages as say
from shared.messages import Outcome
from shared.privacy import SealingKeys
from tests.builders import MONDAY, envelope, said
from tests.intake.conftest import a_body
from tests.intake.photos import NOTHING, PLACE, a_photo, a_photo_with_a_place, open_studio

LATER = UNCLAIMED + timedelta(minutes=10)


@pytest.fixture
def studio(office):
    with open_studio(office) as studio:
        yield studio


def code(answer):
    return answer.status_code, answer.json()["code"]


def held_by(studio, agency, receipt=None):
    """A report that ``agency`` has."""
    receipt = receipt or studio.report()
    head = {"report_id": UUID(receipt["report_id"]), "at": MONDAY, "agency": agency}
    studio.office.handling.together([envelope(say.CaseAssigned(**head, version=2, due_at=MONDAY, hop=1))])
    return receipt


class TestPhotoOfAReport:
    def test_is_taken_from_the_reporter(self, studio):
        receipt = studio.report()

        answer = studio.add(receipt, a_photo())

        assert answer.status_code == 201
        assert (answer.json()["width"], answer.json()["height"]) == (80, 60)
        [row] = studio.get(f"/v1/media?report_id={receipt['report_id']}", **studio.token("operator")).json()["media"]
        assert (row["id"], row["state"], row["uploader"]) == (answer.json()["media_id"], "private", "reporter")

    def test_is_taken_from_the_portal_that_posted_the_report(self, studio):
        assert studio.add(studio.report(), a_photo(), **studio.portal).status_code == 201

    def test_is_not_taken_with_the_secret_of_another_report(self, studio):
        mine, theirs = studio.report(), studio.report()

        assert code(studio.add(theirs, a_photo(), **{"X-Report-Secret": mine["secret"]})) == (403, "secret_wrong")
        assert studio.left() == NOTHING

    def test_is_not_taken_from_another_portal(self, studio, another_portal):
        assert code(studio.add(studio.report(), a_photo(), **{"X-Api-Key": another_portal})) == (404, "not_found")
        assert studio.left() == NOTHING

    def test_has_its_end_at_five(self, studio):
        receipt = studio.report()
        for _ in range(MOST_OF_REPORTER):
            assert studio.add(receipt, a_photo()).status_code == 201

        assert code(studio.add(receipt, a_photo())) == (409, "media_full")
        assert studio.office.rows("media") == MOST_OF_REPORTER

    def test_is_never_swept(self, studio):
        studio.add(studio.report(), a_photo())
        before = studio.left()

        studio.sweep(timedelta(days=400))

        assert studio.left() == before


class TestAnnouncedPhoto:
    def test_comes_with_the_report_that_names_it(self, studio):
        sent = studio.sent(a_photo())

        receipt = studio.report(media=[sent["media_id"]])

        assert said(studio.office.rooms)[-1].media == (say.Photo(media_id=UUID(sent["media_id"]), sha256=sent["sha256"]),)
        studio.sweep(LATER)
        [row] = studio.get(f"/v1/media?report_id={receipt['report_id']}", **studio.token("auditor")).json()["media"]
        assert row["id"] == sent["media_id"]

    def test_is_named_again_when_the_report_is_sent_again(self, studio):
        body = a_body(media=[studio.sent(a_photo())["media_id"]])

        first, second = studio.office.post(body), studio.office.post(body)

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()

    def test_can_be_sent_once(self, studio):
        link = studio.announce().json()
        assert studio.send(link, a_photo()).status_code == 200

        assert code(studio.send(link, a_photo())) == (409, "link_used")
        assert studio.office.rows("media") == 1

    def test_cannot_be_sent_with_another_links_secret(self, studio):
        mine, theirs = studio.announce().json(), studio.announce().json()

        assert code(studio.send(theirs, a_photo(), secret=mine["secret"])) == (403, "secret_wrong")
        assert code(studio.send({"url": f"/v1/media/{uuid4()}", "secret": mine["secret"]}, a_photo())) == (403, "secret_wrong")

    def test_cannot_be_sent_late(self, studio):
        link = studio.announce().json()
        studio.expire(link["media_id"])

        assert code(studio.send(link, a_photo())) == (410, "link_expired")
        studio.sweep(timedelta(minutes=10))
        assert studio.left() == NOTHING

    def test_goes_when_no_report_names_it(self, studio):
        sent = studio.sent(a_photo())
        studio.sweep(UNCLAIMED - timedelta(minutes=10))
        assert studio.office.rows("media") == 1

        studio.sweep(LATER)

        assert studio.left() == NOTHING
        answer = studio.office.post(a_body(media=[sent["media_id"]]))
        assert code(answer) == (422, "media_unknown")

    def test_counts_against_the_quota_of_its_portal(self, office):
        with open_studio(office, media_daily=2) as studio:
            assert [studio.announce().status_code for _ in range(3)] == [201, 201, 429]

    @pytest.mark.parametrize("media", [["x"], [str(uuid4())] * 2, [str(uuid4()) for _ in range(6)], "x"], ids=range(4))
    def test_is_named_by_its_id(self, studio, media):
        assert code(studio.office.post(a_body(media=media))) == (422, "invalid")


class TestWhoseItIs:
    def unfit(self, studio, media_id):
        before = studio.office.rows("reports")
        answer = studio.office.post(a_body(media=[media_id]), key="unfit")
        assert studio.office.rows("reports") == before
        return code(answer) == (422, "media_unknown")

    def test_another_portals_photo_cannot_be_named(self, studio, another_portal):
        sent = studio.sent(a_photo(), **{"X-Api-Key": another_portal})

        assert self.unfit(studio, sent["media_id"])

    def test_nor_one_that_has_a_report(self, studio):
        sent = studio.sent(a_photo())
        studio.report(media=[sent["media_id"]])

        assert self.unfit(studio, sent["media_id"])

    def test_nor_one_that_is_not_there_yet(self, studio):
        assert self.unfit(studio, studio.announce().json()["media_id"])

    def test_nor_one_nobody_knows(self, studio):
        assert self.unfit(studio, str(uuid4()))


class TestScreening:
    def public(self, studio, media_id, **query):
        return studio.office.http.get(f"/media/{media_id}.jpg", params=query)

    def test_comes_before_anybody_sees_it(self, studio):
        receipt = studio.report()
        media_id = studio.add(receipt, a_photo()).json()["media_id"]
        assert self.public(studio, media_id).status_code == 404
        assert studio.office.shown(receipt["tracking_code"])["media"] == []

        assert studio.screen(media_id, "release").status_code == 204

        [photo] = studio.office.shown(receipt["tracking_code"])["media"]
        assert studio.get(photo["url"]).status_code == studio.get(photo["thumbnail_url"]).status_code == 200

    def test_may_withhold_what_was_released(self, studio):
        receipt = studio.report()
        media_id = studio.add(receipt, a_photo()).json()["media_id"]
        studio.screen(media_id, "release")

        studio.screen(media_id, "withhold")

        assert self.public(studio, media_id).status_code == 404
        assert studio.office.shown(receipt["tracking_code"])["media"] == []

    def test_is_the_operations_centres(self, studio):
        receipt = held_by(studio, "dh")
        media_id = studio.add(receipt, a_photo()).json()["media_id"]

        for who in (studio.portal, studio.token("agency:dh"), studio.token("auditor"), {"X-Report-Secret": receipt["secret"]}):
            assert studio.screen(media_id, "release", **who).status_code in {401, 403}
        assert self.public(studio, media_id).status_code == 404

    def test_finds_what_waits_for_it(self, studio):
        receipt = studio.report()
        first, second = (studio.add(receipt, a_photo()).json()["media_id"] for _ in range(2))
        studio.sent(a_photo())  # of no report yet
        operator = studio.token("operator")
        assert [one["id"] for one in studio.get("/v1/media", **operator).json()["media"]] == [first, second]
        assert [one["id"] for one in studio.get(f"/v1/media?after={first}", **operator).json()["media"]] == [second]

        studio.screen(first, "withhold")

        assert [one["id"] for one in studio.get("/v1/media", **operator).json()["media"]] == [second]

    def test_of_what_is_not_there_is_refused(self, studio):
        assert code(studio.screen(str(uuid4()), "release")) == (404, "not_found")
        assert code(studio.screen(studio.announce().json()["media_id"], "release")) == (404, "not_found")

    def test_lets_out_a_picture_and_nothing_else(self, studio):
        media_id = studio.add(studio.report(), a_photo_with_a_place()).json()["media_id"]
        studio.screen(media_id, "release")

        answer = self.public(studio, media_id)

        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["content-disposition"] == f'inline; filename="{media_id}.jpg"'
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert answer.headers.get_list("content-security-policy") == ["default-src 'none'; sandbox"]
        assert answer.headers["cache-control"].startswith("public")
        assert Image.open(BytesIO(answer.content)).format == "JPEG"
        assert self.public(studio, media_id, size="thumbnail").content != b""
        known = studio.get(f"/media/{media_id}.jpg", **{"If-None-Match": answer.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")


class TestPlaceInAPhoto:
    def test_is_sealed_in_the_original_and_nowhere_else(self, studio):
        data = a_photo_with_a_place()
        media_id = studio.add(studio.report(), data).json()["media_id"]

        files = {path.name.partition(".")[2]: path.read_bytes() for path in (studio.folder / media_id).iterdir()}
        assert files.keys() == {"jpg", "thumbnail.jpg", "original"}
        assert all(PLACE not in content for content in files.values())
        assert SealingKeys.parse(studio.office.settings.sealing_keys).open_bytes(files["original"], about=media_id) == data

    def test_is_opened_by_the_administrator_alone(self, studio):
        data = a_photo_with_a_place()
        receipt = held_by(studio, "dh")
        url = f"/v1/media/{studio.add(receipt, data).json()['media_id']}/original"

        answer = studio.get(url, **studio.token("admin"))

        assert answer.content == data
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/octet-stream", "private, no-store")
        for who in (studio.portal, studio.token("agency:dh"), studio.token("operator"), studio.token("auditor"), {}):
            assert studio.get(url, **who).status_code in {401, 403}


class TestAgency:
    def test_fetches_the_photos_of_the_reports_it_holds(self, studio):
        receipt = held_by(studio, "dh")
        sent = studio.add(receipt, a_photo_with_a_place()).json()
        agency = studio.token("agency:dh")

        [listed] = studio.get(f"/v1/media?report_id={receipt['report_id']}", **agency).json()["media"]
        answer = studio.get(f"/v1/media/{listed['id']}", **agency)

        assert PLACE not in answer.content
        assert listed["sha256"] == sent["sha256"]
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "private, no-store")
        assert studio.get(f"/v1/media/{listed['id']}?size=thumbnail", **agency).status_code == 200

    def test_sees_nothing_of_others(self, studio):
        receipt = held_by(studio, "dh")
        media_id = studio.add(receipt, a_photo()).json()["media_id"]
        other = studio.token("agency:qt")

        assert code(studio.get(f"/v1/media/{media_id}", **other)) == (404, "not_found")
        assert studio.get(f"/v1/media?report_id={receipt['report_id']}", **other).json() == {"media": []}
        assert studio.get("/v1/media", **other).json() == {"media": []}

    def test_sends_photos_about_the_reports_it_holds_only(self, studio):
        receipt = held_by(studio, "dh")

        assert code(studio.announce(receipt["report_id"], **studio.token("agency:qt"))) == (403, "not_your_case")
        assert code(studio.announce(str(uuid4()), **studio.token("agency:dh"))) == (403, "not_your_case")
        assert code(studio.announce(**studio.token("agency:dh"))) == (403, "not_your_case")

    def test_may_send_more_than_the_reporter_and_beside_the_reporter(self, studio):
        receipt = held_by(studio, "dh")
        for _ in range(MOST_OF_AGENCY):
            assert studio.announce(receipt["report_id"], **studio.token("agency:dh")).status_code == 201

        assert code(studio.announce(receipt["report_id"], **studio.token("agency:dh"))) == (409, "media_full")
        assert studio.add(receipt, a_photo()).status_code == 201


class TestEvidence:
    def proven(self, studio, receipt, evidence):
        head = {"report_id": UUID(receipt["report_id"]), "at": MONDAY, "version": 5, "agency": "dh"}
        answer = {"outcome": Outcome.FIXED, "answer": "Đã thay bóng đèn", "submitted_at": MONDAY, "due_at": MONDAY, "on_time": True}
        studio.office.handling.together([envelope(say.CaseResolved(**head, **answer, evidence=tuple(evidence)))])
        return studio.office.shown(receipt["tracking_code"])["timeline"][-1]["evidence"]

    def test_is_shown_when_the_result_is_approved(self, studio):
        receipt = held_by(studio, "dh")
        sent = studio.sent(a_photo(), receipt["report_id"], **studio.token("agency:dh"))
        unnamed = studio.sent(a_photo(width=100), receipt["report_id"], **studio.token("agency:dh"))

        [photo] = self.proven(studio, receipt, [sent["evidence"], "https://dh.example.vn/photo.jpg"])

        assert photo["media_id"] == sent["media_id"]
        assert studio.get(photo["url"]).status_code == 200
        assert studio.get(f"/media/{unnamed['media_id']}.jpg").status_code == 404
        assert studio.office.shown(receipt["tracking_code"])["media"] == []

    def test_of_a_result_that_answers_two_reports_is_shown_on_both(self, studio):
        leader, follower = held_by(studio, "dh"), held_by(studio, "dh")
        sent = studio.sent(a_photo(), leader["report_id"], **studio.token("agency:dh"))

        assert len(self.proven(studio, follower, [sent["evidence"]])) == 1

    def test_that_was_withheld_stays_withheld(self, studio):
        receipt = held_by(studio, "dh")
        sent = studio.sent(a_photo(), receipt["report_id"], **studio.token("agency:dh"))
        studio.screen(sent["media_id"], "withhold")

        assert self.proven(studio, receipt, [sent["evidence"]]) == []

    def test_releases_no_photo_of_a_citizen(self, studio):
        receipt = held_by(studio, "dh")
        theirs = studio.add(receipt, a_photo()).json()

        assert self.proven(studio, receipt, [theirs["evidence"], f"media:{uuid4()}", "media:nonsense"]) == []
        assert studio.get(f"/media/{theirs['media_id']}.jpg").status_code == 404
