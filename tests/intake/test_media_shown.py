"""Photos are screened, and shown to whom they are for."""

from io import BytesIO
from uuid import UUID, uuid4

import pytest
from PIL import Image

from services.intake.domain.media import MOST_OF_AGENCY
from shared import messages as say
from shared.messages import Outcome
from shared.privacy import SealingKeys
from tests.builders import MONDAY, envelope
from tests.intake.photos import PLACE, a_photo, a_photo_with_a_place, open_studio, problem


@pytest.fixture
def studio(office):
    with open_studio(office) as studio:
        yield studio


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
        receipt = studio.held_by("dh")
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
        assert problem(studio.screen(str(uuid4()), "release")) == (404, "not_found")
        assert problem(studio.screen(studio.announce().json()["media_id"], "release")) == (404, "not_found")

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
        receipt = studio.held_by("dh")
        url = f"/v1/media/{studio.add(receipt, data).json()['media_id']}/original"

        answer = studio.get(url, **studio.token("admin"))

        assert answer.content == data
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/octet-stream", "private, no-store")
        for who in (studio.portal, studio.token("agency:dh"), studio.token("operator"), studio.token("auditor"), {}):
            assert studio.get(url, **who).status_code in {401, 403}


class TestAgency:
    def test_fetches_the_photos_of_the_reports_it_holds(self, studio):
        receipt = studio.held_by("dh")
        sent = studio.add(receipt, a_photo_with_a_place()).json()
        agency = studio.token("agency:dh")

        [listed] = studio.get(f"/v1/media?report_id={receipt['report_id']}", **agency).json()["media"]
        answer = studio.get(f"/v1/media/{listed['id']}", **agency)

        assert PLACE not in answer.content
        assert listed["sha256"] == sent["sha256"]
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "private, no-store")
        assert studio.get(f"/v1/media/{listed['id']}?size=thumbnail", **agency).status_code == 200

    def test_sees_nothing_of_others(self, studio):
        receipt = studio.held_by("dh")
        media_id = studio.add(receipt, a_photo()).json()["media_id"]
        other = studio.token("agency:qt")

        assert problem(studio.get(f"/v1/media/{media_id}", **other)) == (404, "not_found")
        assert studio.get(f"/v1/media?report_id={receipt['report_id']}", **other).json() == {"media": []}
        assert studio.get("/v1/media", **other).json() == {"media": []}

    def test_sends_photos_about_the_reports_it_holds_only(self, studio):
        receipt = studio.held_by("dh")

        assert problem(studio.announce(receipt["report_id"], **studio.token("agency:qt"))) == (403, "not_your_case")
        assert problem(studio.announce(str(uuid4()), **studio.token("agency:dh"))) == (403, "not_your_case")
        assert problem(studio.announce(**studio.token("agency:dh"))) == (403, "not_your_case")

    def test_may_send_more_than_the_reporter_and_beside_the_reporter(self, studio):
        receipt = studio.held_by("dh")
        for _ in range(MOST_OF_AGENCY):
            assert studio.announce(receipt["report_id"], **studio.token("agency:dh")).status_code == 201

        assert problem(studio.announce(receipt["report_id"], **studio.token("agency:dh"))) == (409, "media_full")
        assert studio.add(receipt, a_photo()).status_code == 201


class TestEvidence:
    def proven(self, studio, receipt, evidence):
        head = {"report_id": UUID(receipt["report_id"]), "at": MONDAY, "version": 5, "agency": "dh"}
        answer = {"outcome": Outcome.FIXED, "answer": "Đã thay bóng đèn", "submitted_at": MONDAY, "due_at": MONDAY, "on_time": True}
        studio.office.handling.together([envelope(say.CaseResolved(**head, **answer, evidence=tuple(evidence)))])
        return studio.office.shown(receipt["tracking_code"])["timeline"][-1]["evidence"]

    def test_is_shown_when_the_result_is_approved(self, studio):
        receipt = studio.held_by("dh")
        sent = studio.sent(a_photo(), receipt["report_id"], **studio.token("agency:dh"))
        unnamed = studio.sent(a_photo(width=100), receipt["report_id"], **studio.token("agency:dh"))

        [photo] = self.proven(studio, receipt, [sent["evidence"], "https://dh.example.vn/photo.jpg"])

        assert photo["media_id"] == sent["media_id"]
        assert studio.get(photo["url"]).status_code == 200
        assert studio.get(f"/media/{unnamed['media_id']}.jpg").status_code == 404
        assert studio.office.shown(receipt["tracking_code"])["media"] == []

    def test_of_a_result_that_answers_two_reports_is_shown_on_both(self, studio):
        leader, follower = studio.held_by("dh"), studio.held_by("dh")
        sent = studio.sent(a_photo(), leader["report_id"], **studio.token("agency:dh"))

        assert len(self.proven(studio, follower, [sent["evidence"]])) == 1

    def test_that_was_withheld_stays_withheld(self, studio):
        receipt = studio.held_by("dh")
        sent = studio.sent(a_photo(), receipt["report_id"], **studio.token("agency:dh"))
        studio.screen(sent["media_id"], "withhold")

        assert self.proven(studio, receipt, [sent["evidence"]]) == []

    def test_releases_no_photo_of_a_citizen(self, studio):
        receipt = studio.held_by("dh")
        theirs = studio.add(receipt, a_photo()).json()

        assert self.proven(studio, receipt, [theirs["evidence"], f"media:{uuid4()}", "media:nonsense", f"media:{'-' * 36}"]) == []
        assert studio.get(f"/media/{theirs['media_id']}.jpg").status_code == 404
