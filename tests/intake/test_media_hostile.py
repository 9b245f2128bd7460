"""Uploads that are wrong or mean harm, and uploads during which something breaks: the right answer, and nothing left behind."""

import os
import resource
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta

import httpx2
import pytest
from PIL import Image
from sqlalchemy import text

from services.cli.process import free_port
from shared.settings import PROJECT
from tests.intake.photos import NOTHING, a_photo, a_picture, a_png, open_studio, problem, saved
from tests.wait import until

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NOISE = saved(Image.effect_noise((500, 500), 80), "PNG")
HOSTILE = {
    "words named as a photo": (415, "not_a_picture", b"hello"),
    "an SVG with a script": (415, "not_a_picture", SVG),
    "a GIF": (415, "not_a_picture", saved(a_picture(), "GIF")),
    "HTML that begins as a photo": (415, "not_a_picture", b"\xff\xd8<html><script>alert(1)</script>"),
    "nothing": (422, "empty", b""),
    "one pixel": (422, "too_small", a_photo(width=1, height=1)),
    "a hundred megapixels": (422, "too_many_pixels", a_png(10_000, 10_000)),
    "a bomb of 65,000 by 65,000 pixels": (422, "too_many_pixels", a_png(65_000, 65_000)),
    "a photo cut off": (422, "unreadable", NOISE[:5000]),
    "a moving picture": (422, "animated", saved(a_picture(), "PNG", save_all=True, append_images=[a_picture(40)])),
    "more bytes than a photo has": (413, "too_large", a_photo() + b" " * 200_000),
}
LIMITS = {"media_limit": 150_000, "body_limit": 20_000}


@pytest.fixture
def studio(office):
    with open_studio(office) as studio:
        yield studio


@pytest.fixture
def narrow_studio(office):
    with open_studio(office, **LIMITS) as studio:
        yield studio


@pytest.mark.parametrize(("status", "word", "data"), HOSTILE.values(), ids=HOSTILE)
class TestHostilePhoto:
    def test_sent_with_a_report_gets_its_answer_and_leaves_nothing(self, narrow_studio, status, word, data):
        assert problem(narrow_studio.add(narrow_studio.report(), data)) == (status, word)
        assert narrow_studio.left() == NOTHING

    def test_sent_to_a_link_gets_its_answer_and_leaves_nothing(self, narrow_studio, status, word, data):
        link = narrow_studio.announce().json()

        assert problem(narrow_studio.send(link, data)) == (status, word)
        narrow_studio.sweep(timedelta(hours=1))  # of a link whose body was not read to its end the announcement is left for a while
        assert narrow_studio.left() == NOTHING


class TestLength:
    def test_that_is_not_stated_is_counted(self, narrow_studio):
        link = narrow_studio.announce().json()

        assert problem(narrow_studio.send(link, iter([b" " * 10_000] * 20))) == (413, "too_large")
        assert narrow_studio.left() == (1, [])

    def test_that_is_stated_is_believed_at_once(self, narrow_studio):
        url = f"/v1/reports/{narrow_studio.report()['tracking_code']}/media"

        answer = narrow_studio.office.http.post(url, content=b"", headers={"Content-Length": "171000", **narrow_studio.portal})

        assert problem(answer) == (413, "too_large")

    def test_of_other_bodies_is_what_it_was(self, narrow_studio):
        assert problem(narrow_studio.office.post_raw(b" " * 21_000)) == (413, "too_large")
        assert problem(narrow_studio.office.http.post("/v1/media", content=b" " * 21_000, headers=narrow_studio.portal)) == (
            413,
            "too_large",
        )


class TestForm:
    @pytest.mark.parametrize(
        ("expected", "form"),
        [
            ((422, "invalid"), {"data": {"file": "text"}, "files": {"other": b"x"}}),
            ((400, "bad_request"), {"files": [("file", a_photo()), ("file", a_photo())]}),
            ((415, "unsupported_media_type"), {"content": a_photo()}),
            ((415, "unsupported_media_type"), {"data": {"file": "x"}}),
            ((400, "bad_request"), {"content": b"nonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}),
            ((400, "bad_request"), {"content": b"nonsense", "headers": {"Content-Type": "multipart/form-data"}}),
        ],
        ids=range(6),
    )
    def test_that_is_not_one_file_is_refused(self, studio, expected, form):
        receipt = studio.report()
        form = form | {"headers": {"X-Report-Secret": receipt["secret"], **form.get("headers", {})}}

        assert problem(studio.office.http.post(f"/v1/reports/{receipt['tracking_code']}/media", **form)) == expected
        assert studio.left() == NOTHING

    def test_may_name_its_file_as_it_likes(self, studio):
        receipt = studio.report()
        media_id = studio.add(receipt, a_photo(), name="../../../etc/passwd\0.svg").json()["media_id"]

        _, files = studio.left()
        assert len(files) == 4
        assert all(name.startswith(media_id) for name in files)


class TestHungryPhoto:
    def test_of_thirty_megapixels_in_few_bytes_is_only_a_photo(self, studio):
        data = a_png(6_000, 5_000, rows=5_000)
        assert len(data) < 500_000

        assert studio.add(studio.report(), data).json()["width"] == 2560

    def test_ends_its_own_process_and_no_other(self, office):
        with open_studio(office, media_memory=150_000_000) as studio:
            receipt = studio.report()

            assert problem(studio.add(receipt, a_png(6_000, 5_000, rows=1, colour_type=6))) == (422, "too_demanding")
            assert studio.left() == NOTHING
            assert studio.add(receipt, a_photo()).status_code == 201


@contextmanager
def files_no_larger_than(size):
    """As on a disk with no more room: the kernel refuses to write on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestFullDisk:
    @pytest.mark.parametrize("room", [len(NOISE), len(NOISE) // 2], ids=["for the body, not for what is stored", "not even for the body"])
    def test_is_told_and_leaves_no_half_photo(self, studio, room):
        receipt = studio.report()

        with files_no_larger_than(room):
            answer = studio.add(receipt, NOISE)

        assert problem(answer) == (507, "storage_full")
        assert answer.headers["retry-after"]
        assert studio.left() == NOTHING
        assert studio.add(receipt, NOISE).status_code == 201

    def test_stops_no_report(self, studio):
        with files_no_larger_than(1000):
            assert studio.report()["tracking_code"]


class TestDeath:
    def test_while_a_photo_is_read_leaves_what_the_sweep_removes(self, studio):
        """A real process of intake, killed with a photo in its hands."""
        link = studio.announce().json()
        with a_process(studio.office.settings) as (process, url):
            sender = threading.Thread(target=send_quietly, args=(url + link["url"], link["secret"], a_png(7_000, 5_000, rows=5_000)))
            sender.start()
            until(lambda: state_of(studio, link["media_id"]) == "arriving", timeout=20)
            process.kill()
            sender.join()

        assert state_of(studio, link["media_id"]) == "arriving"
        studio.sweep(timedelta(hours=1))
        assert studio.left() == NOTHING

    def test_of_the_last_commit_leaves_what_the_sweep_removes(self, studio):
        """Whether a commit was made isn't known when its answer is lost, so nothing is undone in haste."""
        receipt = studio.report()
        with studio.office.rooms.begin() as session:
            session.execute(text("SET ROLE NONE"))
            session.execute(text("ALTER TABLE intake.media ADD CONSTRAINT crash CHECK (state <> 'private')"))

        assert studio.add(receipt, a_photo()).status_code == 500

        rows, files = studio.left()
        assert (rows, len(files)) == (1, 4)
        studio.sweep(timedelta(hours=1))
        assert studio.left() == NOTHING

    def test_between_the_files_and_their_row_leaves_what_the_sweep_removes(self, studio):
        link = studio.announce().json()
        half = studio.folder / link["media_id"] / "abc.original#1"  # as the library calls what is not whole yet
        studio.files.keep(link["media_id"], {"abc.jpg": b"copy", "abc.thumbnail.jpg": b"small"})
        half.write_bytes(b"seal")

        studio.sweep(timedelta(minutes=1))
        assert half.exists()
        studio.sweep(timedelta(hours=1))

        assert studio.left() == NOTHING

    def test_of_the_sender_leaves_the_link_as_it_was(self, studio):
        link = studio.announce().json()

        assert broken_off(studio, link, a_photo()[:100]) == 400

        assert studio.left() == (1, [])
        assert studio.send(link, a_photo()).status_code == 200


def broken_off(studio, link, part):
    """The status nobody reads: the sender has gone after ``part``. Said in ASGI, because test clients stay on the line."""
    headers = [(b"x-upload-secret", link["secret"].encode())]
    scope = {"type": "http", "method": "PUT", "path": link["url"], "raw_path": b"", "query_string": b"", "headers": headers}
    parts = iter([{"type": "http.request", "body": part, "more_body": True}, {"type": "http.disconnect"}])
    said = []

    async def receive():
        return next(parts)

    async def send(part):
        said.append(part)

    studio.office.http.portal.call(studio.office.http.app, scope, receive, send)
    return said[0]["status"]


def state_of(studio, media_id):
    with studio.office.rooms() as session:
        return session.scalar(text("SELECT state FROM media WHERE id = :id"), {"id": media_id})


def send_quietly(url, secret, data):
    with suppress(httpx2.HTTPError):
        httpx2.put(url, content=data, headers={"X-Upload-Secret": secret}, timeout=30, trust_env=False)


@contextmanager
def a_process(settings):
    port = free_port()
    values = settings.model_dump(include={"database_url", "link_key", "sealing_keys", "media_url"})
    environment = {name.upper(): str(value) for name, value in values.items()} | {"HTTP_PORT": str(port), "PATH": os.environ["PATH"]}
    process = subprocess.Popen([sys.executable, "-m", "services.intake"], cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
    try:
        until(lambda: ready(port), timeout=30)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def ready(port):
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False
