"""`hoiam privacy` over intake and notify: keys changed beside work, people told what is held about them, and forgotten."""

import json
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from services.cli import commands
from services.cli.process import CannotStart
from services.cli.system import HANDLERS as SERVICES
from services.cli.system import load_all, migrate_all, room
from services.intake.domain.media import Media, State
from services.intake.domain.report import ReceiveReport
from services.intake.store.files import Files
from services.notify import store as notify_store
from shared.clock import now
from shared.handling import Handling
from shared.messages import FollowerReachable, Location, ReporterReachable
from shared.privacy import SealingKeys, lookup_hash, new_key
from shared.province import read_province
from shared.settings import PROJECT
from tests.builders import MONDAY, delivered, envelope, received, said

OLD, NEW, LINK_KEY = new_key("old"), new_key("new"), "k" * 40
CONTACT = {"name": "Nguyễn Thị Lan", "email": "lan@example.vn", "phone": "+84905123456"}


@pytest.fixture(scope="module")
def url(module_database_url):
    migrate_all(module_database_url, lambda _: None)
    load_all(module_database_url, read_province(PROJECT / "deploy/provinces/quang-tri"), now(), lambda _: None)
    return module_database_url


@pytest.fixture
def hoiam(url, monkeypatch, tmp_path):
    """Runs a command with the new key in front of the old one."""
    for name, value in {"DATABASE_URL": url, "SEALING_KEYS": f"{NEW} {OLD}", "LINK_KEY": LINK_KEY, "MEDIA_URL": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(commands.app, ["privacy", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output.strip()

    return run


def reported(url: str, *, keys: str = OLD, hashed: bool = True, anonymous: bool = False) -> tuple[UUID, str]:
    """A report with its contact in intake and notify, sealed with ``keys``; its id and tracking code."""
    report_id, code = uuid4(), f"QT-{uuid4().hex[:4].upper()}-{uuid4().hex[:4].upper()}"
    sealed = "" if anonymous else SealingKeys.parse(keys).seal(json.dumps(CONTACT), about=str(report_id))
    asked = ReceiveReport(
        report_id=report_id, at=MONDAY, tracking_code=code, portal="app", key=str(report_id), fingerprint="f", category="CS01",
        description="Đèn hỏng, gọi 0905123456", location=Location(area="dh"), attributes={}, urgent=False, sealed=sealed, language="vi",
        external_ref="", phone_hash=lookup_hash(LINK_KEY, CONTACT["phone"]) if hashed and not anonymous else "",
    )  # fmt: skip
    with room(url, "intake") as rooms:
        Handling(service="intake", handlers=SERVICES["intake"], sessions=rooms).together([envelope(asked)])
    news = [received(report_id=report_id, tracking_code=code, reachable=not anonymous)]
    if not anonymous:
        news.insert(0, ReporterReachable(report_id=report_id, at=MONDAY, sealed=sealed))
    with room(url, "notify") as rooms:
        notify = Handling(service="notify", handlers=SERVICES["notify"], sessions=rooms, preload=notify_store.preload)
        notify.deliveries([delivered(one) for one in news], MONDAY)
    return report_id, code


def a_photo(media_id: UUID, report_id: UUID) -> Media:
    """Whose original lies sealed in the folder of photos."""
    return Media(
        id=media_id, uploader="reporter", report_id=report_id, state=State.PRIVATE, created_at=MONDAY, expires_at=None, sha256="abc",
        kind="image/jpeg", size=4, width=1, height=1, screened_by="", screened_at=None,
    )  # fmt: skip


def rows(url: str, service: str, statement: str) -> list[str]:
    with room(url, service) as rooms, rooms() as session:
        return list(session.scalars(text(statement)))


def clear(url: str) -> None:
    with room(url, "intake") as rooms, rooms.begin() as session:
        session.execute(text("DELETE FROM outbox"))
        session.execute(text("DELETE FROM timeline"))
        session.execute(text("DELETE FROM media"))
        session.execute(text("DELETE FROM reporters"))
        session.execute(text("DELETE FROM public_texts"))
        session.execute(text("DELETE FROM reports"))
    with room(url, "notify") as rooms, rooms.begin() as session:
        for table in ("notices", "contacts", "followers", "subjects", "webhooks"):
            session.execute(text(f"DELETE FROM {table}"))


@pytest.fixture(autouse=True)
def _empty(url):
    yield
    clear(url)


class TestReseal:
    def test_seals_everything_under_the_first_key_in_both_services(self, hoiam, url):
        for _ in range(3):
            reported(url)

        printed = hoiam("reseal")

        assert "intake: 3 of 3" in printed
        assert "notify: 3 of 3" in printed
        for service, table in (("intake", "reporters"), ("notify", "contacts")):
            opened = SealingKeys.parse(NEW)
            with room(url, service) as rooms, rooms() as session:
                for report_id, sealed in session.execute(text(f"SELECT report_id, sealed FROM {table}")):
                    assert json.loads(opened.open(sealed, about=str(report_id))) == CONTACT

    def test_seals_followers_and_originals_of_photos_too(self, hoiam, url, tmp_path):
        report_id, _ = reported(url)
        follower_id, media_id, old = uuid4(), uuid4(), SealingKeys.parse(OLD)
        files = Files(str(tmp_path), {})
        files.keep(media_id, {"abc.original": old.seal_bytes(b"EXIF", about=str(media_id))})
        with room(url, "intake") as rooms, rooms.begin() as session:
            session.add(a_photo(media_id, report_id))
        with room(url, "notify") as rooms:
            notify = Handling(service="notify", handlers=SERVICES["notify"], sessions=rooms, preload=notify_store.preload)
            sealed = old.seal(json.dumps(CONTACT), about=str(follower_id))
            notify.deliveries(
                [delivered(FollowerReachable(report_id=report_id, at=MONDAY, follower_id=follower_id, sealed=sealed))], MONDAY
            )

        printed = hoiam("reseal")

        assert "followers: 1 of 1" in printed
        assert "photos: 1 of 1" in printed
        [sealed] = rows(url, "notify", "SELECT sealed FROM followers")
        assert json.loads(SealingKeys.parse(NEW).open(sealed, about=str(follower_id))) == CONTACT
        assert SealingKeys.parse(NEW).open_bytes(files.read(media_id, "abc.original"), about=str(media_id)) == b"EXIF"
        assert "photos: nothing to do" in hoiam("reseal")

    def test_done_again_has_nothing_to_do(self, hoiam, url):
        reported(url)
        hoiam("reseal")
        before = rows(url, "intake", "SELECT sealed FROM reporters")

        assert "intake: nothing to do" in hoiam("reseal")
        assert rows(url, "intake", "SELECT sealed FROM reporters") == before

    def test_fills_in_what_finds_older_reports(self, hoiam, url):
        reported(url, keys=NEW, hashed=False)

        hoiam("reseal")

        assert rows(url, "intake", "SELECT phone_hash FROM reporters") == [lookup_hash(LINK_KEY, CONTACT["phone"])]
        assert rows(url, "intake", "SELECT email_hash FROM reporters") == [lookup_hash(LINK_KEY, CONTACT["email"])]

    def test_stops_at_what_no_key_opens_says_so_and_keeps_what_it_did(self, hoiam, url):
        reported(url, keys=new_key("lost"))

        with pytest.raises(CannotStart, match="'lost' is not among SEALING_KEYS"):
            hoiam("reseal")

    def test_leaves_what_a_running_service_works_with_to_the_next_turn(self, hoiam, url):
        reported(url)
        with room(url, "intake") as rooms, rooms() as session:
            session.execute(text("SELECT * FROM reporters FOR UPDATE"))
            hoiam("reseal")

        assert "intake: 1 of 1" in hoiam("reseal")


class TestErase:
    def test_forgets_in_intake_and_when_the_message_comes_in_notify(self, hoiam, url):
        report_id, code = reported(url)

        hoiam("erase", code, "--reason", "Người gửi đề nghị")
        with room(url, "intake") as rooms:
            [erased] = [message for message in said(rooms) if message.topic == "reporter.erased"]
        with room(url, "notify") as rooms:
            notify = Handling(service="notify", handlers=SERVICES["notify"], sessions=rooms, preload=notify_store.preload)
            late = ReporterReachable(report_id=report_id, at=MONDAY, sealed="old:whatever")
            notify.deliveries([delivered(erased), delivered(late)], now())

        assert rows(url, "intake", "SELECT sealed FROM reporters") == []
        assert rows(url, "intake", "SELECT description FROM reports") == ["Đèn hỏng, gọi [số điện thoại]"]
        assert rows(url, "notify", "SELECT sealed FROM contacts") == [""]
        assert rows(url, "notify", "SELECT body FROM notices") == [""]
        assert rows(url, "notify", "SELECT state FROM notices") == ["failed"]

    def test_of_an_unknown_report_is_refused(self, hoiam):
        with pytest.raises(CannotStart, match="No report"):
            hoiam("erase", "QT-0000-0000", "--reason", "?")


class TestExport:
    def test_tells_all_that_is_held_and_is_on_record(self, hoiam, url):
        _, code = reported(url)

        [held] = json.loads(hoiam("export", code, "--reason", "Người gửi hỏi", "--by", "lan"))["reports"]

        assert held["contact"] == held["contact_of_notify"] == CONTACT
        assert held["report"]["description"] == "Đèn hỏng, gọi 0905123456"
        assert held["notices"][0]["about"] == "report.received"
        assert [(look["actor"], look["act"], look["reason"]) for look in held["accesses"]] == [("cli:lan", "exported", "Người gửi hỏi")]

    @pytest.mark.parametrize("who", [("--phone", "0905 123 456"), ("--email", "LAN@example.vn")])
    def test_finds_every_report_of_a_person_and_no_other(self, hoiam, url, who):
        mine = {reported(url, keys=NEW, hashed=False)[1] for _ in range(2)}
        reported(url, anonymous=True)
        hoiam("reseal")

        found = json.loads(hoiam("export", *who, "--reason", "Người gửi hỏi"))["reports"]

        assert {held["report"]["tracking_code"] for held in found} == mine

    def test_of_a_forgotten_reporter_has_no_contact(self, hoiam, url):
        _, code = reported(url)
        hoiam("erase", code, "--reason", "Người gửi đề nghị")

        [held] = json.loads(hoiam("export", code, "--reason", "Kiểm tra"))["reports"]

        assert held["contact"] is None

    @pytest.mark.parametrize(
        ("arguments", "why"), [((), "reason"), (("--reason", "x"), "tracking code"), (("--phone", "1", "--reason", "x"), "Vietnamese")]
    )
    def test_says_what_it_needs(self, hoiam, arguments, why):
        with pytest.raises(CannotStart, match=why):
            hoiam("export", *arguments)


class TestExpire:
    def test_counts_whom_it_forgot(self, hoiam, url):
        reported(url)
        with room(url, "intake") as rooms, rooms.begin() as session:
            session.execute(text("UPDATE reports SET status = 'closed', received_at = '2020-01-01'"))

        assert hoiam("expire") == "1 reporters forgotten"
        assert hoiam("expire") == "0 reporters forgotten"
