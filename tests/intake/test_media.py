"""Photos come in by two doors, once, in time, and from whom they should."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.domain.media import MOST_OF_REPORTER, UNCLAIMED
from services.intake.domain.privacy import Act, TouchIdentity
from services.intake.handlers import note_access
from shared import messages as say
from tests.builders import MONDAY, said
from tests.intake.conftest import a_body
from tests.intake.photos import NOTHING, a_photo, a_photo_with_a_place, open_studio, problem

LATER = UNCLAIMED + timedelta(minutes=10)


@pytest.fixture
def studio(office):
    with open_studio(office) as studio:
        yield studio


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

        assert problem(studio.add(theirs, a_photo(), **{"X-Report-Secret": mine["secret"]})) == (403, "secret_wrong")
        assert studio.left() == NOTHING

    def test_is_not_taken_from_another_portal(self, studio, another_portal):
        receipt, other = studio.report(), {"X-Api-Key": another_portal}

        assert problem(studio.add(receipt, a_photo(), **other)) == (404, "not_found")
        assert problem(studio.announce(receipt["report_id"], **other)) == (404, "not_found")
        assert studio.left() == NOTHING

    def test_is_not_even_read_from_another_portal(self, studio, another_portal):
        url = f"/v1/reports/{studio.report()['tracking_code']}/media"

        assert problem(studio.office.http.post(url, content=b"no form", headers={"X-Api-Key": another_portal})) == (404, "not_found")

    def test_has_its_end_at_five(self, studio):
        receipt = studio.report()
        for _ in range(MOST_OF_REPORTER):
            assert studio.add(receipt, a_photo()).status_code == 201

        assert problem(studio.add(receipt, a_photo())) == (409, "media_full")
        assert studio.office.rows("media") == MOST_OF_REPORTER

    def test_is_never_swept(self, studio):
        studio.add(studio.report(), a_photo())
        before = studio.left()

        studio.sweep(timedelta(days=400))

        assert studio.left() == before


class TestOriginalOfAPhoto:
    def erased(self, studio, receipt):
        asked = TouchIdentity(report_id=UUID(receipt["report_id"]), at=MONDAY, actor="cli:lan", act=Act.ERASED, reason="Người gửi đề nghị")
        studio.office.handling.run(lambda session: note_access(asked, session))

    def test_goes_with_who_sent_it_and_the_copy_stays(self, studio):
        receipt = studio.report()
        media_id = studio.add(receipt, a_photo_with_a_place()).json()["media_id"]

        self.erased(studio, receipt)
        studio.sweep(timedelta(0))

        kept = [name for name in studio.left()[1] if "/" in name]
        assert len(kept) == 2
        assert not any(name.endswith(".original") for name in kept)
        assert problem(studio.get(f"/v1/media/{media_id}/original", **studio.token("admin"))) == (404, "not_found")
        assert studio.get(f"/v1/media/{media_id}", **studio.token("operator")).status_code == 200

    def test_of_another_report_stays(self, studio):
        receipt, other = studio.report(), studio.report()
        studio.add(other, a_photo())

        self.erased(studio, receipt)
        studio.sweep(timedelta(0))

        assert any(name.endswith(".original") for name in studio.left()[1])

    def test_of_an_agency_stays_as_evidence(self, studio):
        receipt = studio.held_by("dh")
        studio.sent(a_photo(), receipt["report_id"], **studio.token("agency:dh"))

        self.erased(studio, receipt)
        studio.sweep(timedelta(0))

        assert any(name.endswith(".original") for name in studio.left()[1])


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

        assert problem(studio.send(link, a_photo())) == (409, "link_used")
        assert studio.office.rows("media") == 1

    def test_sent_twice_at_once_arrives_once(self, studio):
        link = studio.announce().json()
        photos = [a_photo(width=1500, height=1000 + more) for more in range(4)]

        with ThreadPoolExecutor() as senders:
            answers = sorted(answer.status_code for answer in senders.map(lambda photo: studio.send(link, photo), photos))

        assert answers == [200, 409, 409, 409]
        rows, files = studio.left()
        assert (rows, len(files)) == (1, 4)

    def test_cannot_be_sent_with_another_links_secret(self, studio):
        mine, theirs = studio.announce().json(), studio.announce().json()

        assert problem(studio.send(theirs, a_photo(), secret=mine["secret"])) == (403, "secret_wrong")
        assert problem(studio.send({"url": f"/v1/media/{uuid4()}", "secret": mine["secret"]}, a_photo())) == (403, "secret_wrong")

    def test_cannot_be_sent_late(self, studio):
        link = studio.announce().json()
        studio.expire(link["media_id"])

        assert problem(studio.send(link, a_photo())) == (410, "link_expired")
        studio.sweep(timedelta(minutes=10))
        assert studio.left() == NOTHING

    def test_goes_when_no_report_names_it(self, studio):
        sent = studio.sent(a_photo())
        studio.sweep(UNCLAIMED - timedelta(minutes=10))
        assert studio.office.rows("media") == 1

        studio.sweep(LATER)

        assert studio.left() == NOTHING
        answer = studio.office.post(a_body(media=[sent["media_id"]]))
        assert problem(answer) == (422, "media_unknown")

    def test_counts_against_the_quota_of_its_portal(self, office):
        with open_studio(office, media_daily=2) as studio:
            assert [studio.announce().status_code for _ in range(3)] == [201, 201, 429]

    @pytest.mark.parametrize("media", [["x"], [str(uuid4())] * 2, [str(uuid4()) for _ in range(6)], "x"], ids=range(4))
    def test_is_named_by_its_id(self, studio, media):
        assert problem(studio.office.post(a_body(media=media))) == (422, "invalid")


class TestWhoseItIs:
    def unfit(self, studio, media_id):
        before = studio.office.rows("reports")
        answer = studio.office.post(a_body(media=[media_id]), key="unfit")
        assert studio.office.rows("reports") == before
        return problem(answer) == (422, "media_unknown")

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
