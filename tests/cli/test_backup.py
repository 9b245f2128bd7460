"""Saving and bringing back: whole or not at all, only where nothing is lost by it, and with words for whoever must put something right."""

import json
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from services.cli import backup, commands, dumps
from services.cli.process import CannotStart
from services.cli.system import migrate_all, room
from shared import mailbox
from shared.bus import EVENTS
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import Binding, topology
from shared.database import engine
from shared.envelope import letter
from tests.builders import envelope, received
from tests.conftest import drop_database, fresh_database


@pytest.fixture(scope="module")
def made(module_database_url, tmp_path_factory):
    """A backup of a database in which intake sent one message and waits with another, and of one photo; with that database."""
    folder = tmp_path_factory.mktemp("original")
    (folder / "photos/one").mkdir(parents=True)
    (folder / "photos/one/shown.jpg").write_bytes(b"a photo")
    migrate_all(module_database_url, lambda _line: None)
    with room(module_database_url, "intake") as rooms:
        with rooms.begin() as session:
            mailbox.post(session, [envelope(received()), envelope(received())])
        with rooms.begin() as session:
            mailbox.sent(session, [1])
    backup.save(module_database_url, folder / "saved", folder / "photos", lambda _line: None)
    return module_database_url, folder


@pytest.fixture
def saved(made, monkeypatch, tmp_path):
    """A copy of that backup; commands mean what it was made of."""
    url, folder = made
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("MEDIA_URL", str(folder / "photos"))
    monkeypatch.delenv("AMQP_URL", raising=False)
    return copytree(folder / "saved", tmp_path / "saved")


@pytest.fixture
def elsewhere(postgres_url, monkeypatch, tmp_path, saved):
    """An empty system, which commands now mean."""
    url = fresh_database(postgres_url)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("MEDIA_URL", str(tmp_path / "elsewhere"))
    yield url
    drop_database(url)


def hoiam(*arguments: str) -> str:
    result = CliRunner().invoke(commands.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


class TestBackup:
    def test_comes_back_with_rows_photos_and_what_was_on_its_way(self, saved, elsewhere, tmp_path):
        shown = hoiam("restore", str(saved))

        assert "intake says 1 messages again" in shown
        assert (tmp_path / "elsewhere/one/shown.jpg").read_bytes() == b"a photo"
        with room(elsewhere, "intake") as rooms, rooms() as session:
            assert [row.id for row in session.execute(text("SELECT id FROM outbox ORDER BY id"))] == [1, 2]

    def test_a_role_may_no_more_after_it_than_before(self, saved, elsewhere):
        hoiam("restore", str(saved))
        of = engine(elsewhere, "sla")

        with of.connect() as connection:
            rights = connection.execute(
                text(
                    "SELECT has_table_privilege('history', 'insert'), has_table_privilege('history', 'update'),"
                    " has_schema_privilege('intake', 'usage')"
                )
            ).one()
        of.dispose()

        assert tuple(rights) == (True, False, False)

    def test_is_closed_to_other_users_and_holds_no_key(self, saved):
        assert saved.stat().st_mode & 0o777 == 0o700
        assert {path.name for path in saved.iterdir()} == {"database.dump", "media", "manifest.json"}
        assert (saved / "database.dump").stat().st_mode & 0o777 == 0o600

    def test_never_writes_over_another(self, saved):
        with pytest.raises(CannotStart, match="there already"):
            hoiam("backup", str(saved))

    def test_that_failed_leaves_nothing_that_looks_like_one(self, saved, tmp_path, monkeypatch):
        monkeypatch.setenv("MEDIA_URL", str(saved / "manifest.json"))  # no folder

        with pytest.raises(OSError, match="manifest"):
            hoiam("backup", str(tmp_path / "other"))
        assert not (tmp_path / "other").exists()

    def test_of_a_database_without_hoiam_says_so(self, elsewhere, tmp_path):
        with pytest.raises(CannotStart, match="DATABASE_URL"):
            hoiam("backup", str(tmp_path / "nothing"))


class TestResending:
    def test_says_again_what_was_sent_and_nothing_twice_in_the_outbox(self, saved, elsewhere):
        hoiam("restore", str(saved))

        assert "intake says 0 messages again" in hoiam("resend")
        with room(elsewhere, "intake") as rooms, rooms.begin() as session:
            mailbox.sent(session, [1, 2])

        assert "intake says 2 messages again" in hoiam("resend")


class TestRestoring:
    def test_a_damaged_backup_is_refused_before_anything_changes(self, saved, elsewhere):
        with (saved / "database.dump").open("ab") as dump:
            dump.write(b"\0")

        with pytest.raises(CannotStart, match="damaged"):
            hoiam("restore", str(saved))
        with engine(elsewhere, "sla").connect() as connection, pytest.raises(DBAPIError, match="does not exist"):
            connection.execute(text("SELECT * FROM sla.cases"))

    def test_half_a_backup_is_none(self, saved, elsewhere):
        (saved / "manifest.json").unlink()

        with pytest.raises(CannotStart, match="not a whole one"):
            hoiam("restore", str(saved))

    def test_a_database_with_something_in_it_is_refused(self, saved):
        with pytest.raises(CannotStart, match="not empty"):
            hoiam("restore", str(saved))

    def test_photos_that_are_there_are_not_mixed_with_others(self, saved, elsewhere, monkeypatch, made):
        monkeypatch.setenv("MEDIA_URL", str(made[1] / "photos"))

        with pytest.raises(CannotStart, match="MEDIA_URL"):
            hoiam("restore", str(saved))

    def test_a_backup_of_a_later_release_is_refused(self, saved, elsewhere):
        noted = json.loads((saved / "manifest.json").read_text())
        noted["migrations"]["sla"] = "9999"
        (saved / "manifest.json").write_text(json.dumps(noted))

        with pytest.raises(CannotStart, match="later release"):
            hoiam("restore", str(saved))

    def test_rows_that_did_not_come_back_are_noticed(self, saved, elsewhere):
        noted = json.loads((saved / "manifest.json").read_text())
        noted["rows"]["intake.sent"] = 2
        (saved / "manifest.json").write_text(json.dumps(noted))

        with pytest.raises(CannotStart, match=r"intake\.sent"):
            hoiam("restore", str(saved))

    def test_a_broker_in_which_something_waits_is_refused(self, saved, elsewhere, rabbit, amqp_url, monkeypatch):
        monkeypatch.setenv("AMQP_URL", amqp_url)
        bus = RabbitBus(amqp_url, management_url=rabbit.management_url)
        bus.apply(topology({"sla": [Binding(EVENTS, "#", "sla.inbox")]}, []))
        with closing(bus.publisher("before")) as publisher:
            publisher.publish([letter(envelope(received()))])

        with pytest.raises(CannotStart, match=r"1 messages wait in sla\.inbox"):
            hoiam("restore", str(saved))


class TestTools:
    def test_the_oldest_that_suits_the_server_is_taken(self, tmp_path):
        places = [tool(tmp_path / str(version), version) for version in (19, 15, 17)]

        assert dumps.program("pg_dump", 16, places) == tmp_path / "17/pg_dump"

    @pytest.mark.parametrize(("versions", "words"), [((), "none was found"), ((14,), "only that of PostgreSQL 14")])
    def test_where_none_suits_it_says_what_to_install(self, tmp_path, versions, words):
        places = [tool(tmp_path / str(version), version) for version in versions]

        with pytest.raises(CannotStart, match=f"{words}.*postgresql-client-16"):
            dumps.program("pg_dump", 16, places)

    def test_a_password_is_never_on_the_command_line(self, saved, elsewhere, monkeypatch, tmp_path):
        real = dumps.program("pg_restore", dumps.server_version(elsewhere))
        seen = tmp_path / "seen"
        spy = tool(tmp_path / "spy", 99, f'echo "$@" >> {seen}\nexec {real} "$@"')
        monkeypatch.setattr(dumps, "program", lambda name, server: spy / "pg_dump")

        hoiam("restore", str(saved))

        assert "--single-transaction" in seen.read_text()
        assert elsewhere.split("@")[0].rsplit(":", 1)[1] not in seen.read_text()


def tool(folder: Path, version: int, body: str = "") -> Path:
    """A folder with a `pg_dump` that says it is of ``version``."""
    folder.mkdir(parents=True)
    script = folder / "pg_dump"
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {version}.1" && exit\n{body}\n')
    script.chmod(0o755)
    return folder
