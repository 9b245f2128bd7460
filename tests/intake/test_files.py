"""Bytes by URL: the same promises from a folder and from a bucket."""

import stat
from datetime import timedelta
from uuid import uuid4

import pytest

from services.intake.store.files import Away, Files
from shared.errors import NotFound
from tests.intake.bucket import a_bucket
from tests.intake.photos import a_photo, open_studio


@pytest.fixture
def bucket():
    with a_bucket() as bucket:
        yield bucket


def options(bucket):
    return {
        "endpoint": f"http://127.0.0.1:{bucket.server_port}",
        "region": "us-east-1",
        "access_key_id": "hoiam",
        "secret_access_key": "x" * 20,
    }


@pytest.fixture(params=["folder", "file://", "s3://"])
def files(request, tmp_path, bucket):
    if request.param == "s3://":
        return Files("s3://photos/of/hoiam", options(bucket))
    return Files(f"{'file://' if request.param == 'file://' else ''}{tmp_path / 'new' / 'media'}", {})


class TestFiles:
    def test_give_back_what_they_were_given(self, files):
        media_id = uuid4()

        files.keep(media_id, {"a.jpg": b"copy", "a.original": b"\0" * 100_000})

        assert files.read(media_id, "a.jpg") == b"copy"
        assert files.read(media_id, "a.original") == b"\0" * 100_000

    def test_of_one_photo_go_without_those_of_another(self, files):
        gone, kept = uuid4(), uuid4()
        for media_id in (gone, kept):
            files.keep(media_id, {"a.jpg": b"copy", "b.jpg": b"copy"})

        files.remove(gone)
        files.remove(gone)

        assert files.read(kept, "b.jpg") == b"copy"
        for name in ("a.jpg", "b.jpg"):
            with pytest.raises(NotFound):
                files.read(gone, name)


class TestFolder:
    def test_is_made_and_closed_to_others(self, tmp_path):
        Files(str(tmp_path / "deep" / "media"), {})

        assert stat.S_IMODE((tmp_path / "deep" / "media").stat().st_mode) == 0o700


class TestBucket:
    def test_gets_signed_requests_under_its_prefix(self, bucket):
        media_id = uuid4()

        Files("s3://photos/of/hoiam", options(bucket)).keep(media_id, {"a.jpg": b"copy"})

        assert bucket.files == {f"of/hoiam/{media_id}/a.jpg": b"copy"}
        assert bucket.signed == 1

    def test_that_is_away_is_said_so(self, bucket):
        files = Files("s3://photos", options(bucket))
        bucket.away = True

        with pytest.raises(Away):
            files.keep(uuid4(), {"a.jpg": b"copy"})

    def test_serves_an_office(self, office, bucket):
        pairs = " ".join(f"{name}={value}" for name, value in options(bucket).items())
        with open_studio(office, media_url="s3://photos/of/hoiam", media_options=pairs) as studio:
            receipt = studio.report()
            media_id = studio.add(receipt, a_photo()).json()["media_id"]
            studio.screen(media_id, "release")
            assert studio.get(f"/media/{media_id}.jpg").status_code == 200
            assert len(bucket.files) == 3

            bucket.away = True
            answer = studio.add(receipt, a_photo())

            assert (answer.status_code, answer.json()["code"]) == (503, "storage_away")
            assert studio.office.rows("media") == 2  # its row waits for the sweep

            bucket.away = False
            studio.sweep(timedelta(hours=1))
            assert (studio.office.rows("media"), len(bucket.files)) == (1, 3)
