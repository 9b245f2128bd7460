"""Every examination says what is wrong, once it is, and what to do; and nothing of a healthy system is wrong."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from sqlalchemy import create_engine, insert, text
from typer.testing import CliRunner

from services.cli import commands, keys
from services.cli.doctor import bus, database, findings, machine
from services.cli.doctor.finding import Level
from services.cli.doctor.place import Place
from services.cli.process import free_port
from services.cli.system import apply_embedded, load_all, migrate_all, room, whole_topology
from services.cli.up import Layout
from services.notify import store as notify
from shared.bus.management import MAY, Management
from shared.bus.rabbitmq import RabbitBus
from shared.clock import now
from shared.database import psycopg_url
from shared.province import read_province
from shared.settings import PROJECT
from tests.builders import MONDAY
from tests.conftest import drop_database, fresh_database

QUANG_TRI = read_province(PROJECT / "deploy/provinces/quang-tri")


@pytest.fixture(scope="module")
def healthy(postgres_url):
    """A database as it should be; nobody is connected to it."""
    url = fresh_database(postgres_url)
    migrate_all(url, lambda _line: None)
    load_all(url, QUANG_TRI, MONDAY, lambda _line: None)
    apply_embedded(url, QUANG_TRI)
    yield url
    drop_database(url)


@pytest.fixture
def url(postgres_url, healthy):
    """A copy of it, to be made ill."""
    copy = fresh_database(postgres_url, template=urlsplit(healthy).path[1:])
    yield copy
    drop_database(copy)


@pytest.fixture
def given(tmp_path, url):
    """Its settings."""
    paths = keys.make_keys(tmp_path / "keys")
    texts = {name.removesuffix("_FILE").lower(): Path(path).read_text().strip() for name, path in paths.items()}
    return {"database_url": url, "media_url": str(tmp_path / "media"), **texts}


@pytest.fixture
def place(url, given):
    return Place(database_url=url, given=given)


def run(url: str, statement: str) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def troubles(found) -> list[tuple[str, str]]:
    """About what, and what to do."""
    return [(finding.about, finding.remedy) for finding in found if finding.level is Level.WRONG]


class TestDoctor:
    def test_finds_nothing_wrong_with_a_healthy_system(self, place):
        found = list(findings(place))

        assert troubles(found) == []
        assert {finding.about for finding in found if finding.level is Level.GOOD} >= {
            "settings", "keys", "media", "database", "clock", "migrations", "roles", "policies", "sealed", "bus",
        }  # fmt: skip

    def test_fails_as_a_command_when_something_is_wrong_and_only_then(self, place, url, monkeypatch):
        for name, value in place.given.items():
            monkeypatch.setenv(name.upper(), value)
        monkeypatch.setenv("AMQP_URL", "")

        assert CliRunner().invoke(commands.app, ["doctor"]).exit_code == 0
        run(url, "DROP TABLE sla.province CASCADE")
        ill = CliRunner().invoke(commands.app, ["doctor"])

        assert ill.exit_code == 1
        assert "WRONG    policies" in ill.output
        assert "→ run `hoiam load`" in ill.output

    def test_looks_at_the_rest_when_there_is_no_database(self, given):
        away = Place(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/hoiam", given=given)

        found = list(findings(away))

        assert [about for about, _ in troubles(found)] == ["database", "bus"]
        assert {finding.about for finding in found if finding.level is Level.SKIPPED} >= {"clock", "migrations", "roles", "policies"}

    def test_of_nothing_at_all_says_what_to_begin_with(self, tmp_path, monkeypatch):
        for name in ("DATABASE_URL", "AMQP_URL", "MANAGEMENT_URL", "LINK_KEY", "SEALING_KEYS", "JWT_PUBLIC_KEY"):
            monkeypatch.delenv(name, raising=False)

        found = list(findings(Place.found(Layout(tmp_path / "nothing"))))

        assert {about for about, _ in troubles(found)} == {"keys", "database"}
        assert any("hoiam keys" in remedy for _, remedy in troubles(found))
        assert {finding.about for finding in found if finding.level is Level.SKIPPED} >= {"queues", "policies"}


class TestMachine:
    def test_a_setting_that_is_wrong_is_named(self, given):
        [(about, _)] = troubles(machine.settings(Place(database_url="", given=given | {"batch": "0"})))

        assert about == "settings"

    @pytest.mark.parametrize(
        ("name", "value"), [("sealing_keys", "first:short"), ("link_key", "short"), ("jwt_public_key", ""), ("jwt_public_key", "no PEM")]
    )
    def test_a_key_that_is_none_is_named(self, given, name, value):
        [finding] = [f for f in machine.keys(Place(database_url="", given=given | {name: value})) if f.level is Level.WRONG]

        assert finding.words.startswith(name.upper())
        assert value == "" or value not in str(finding)

    def test_a_folder_of_photos_that_cant_be_written_is_named(self, given, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # root may write everywhere

        assert troubles(machine.media(Place(database_url="", given=given)))[0][0] == "media"

    def test_a_full_disk_is_noticed(self, given, monkeypatch):
        monkeypatch.setattr(machine, "LITTLE", 10**18)

        assert "room" in troubles(machine.media(Place(database_url="", given=given)))[0][1]


class TestDatabase:
    @pytest.mark.parametrize("hours", [-1, 1])
    def test_clocks_that_differ_are_noticed(self, url, hours):
        late = Place(database_url=url, clock=lambda: now() + timedelta(hours=hours))

        [finding] = database.clock(late)

        assert finding.level is Level.WRONG
        assert ("behind" in finding.words) is (hours > 0)

    @pytest.mark.parametrize(
        ("statement", "remedy"),
        [
            ("UPDATE sla.alembic_version SET version_num = '0001'", "hoiam migrate"),
            ("UPDATE sla.alembic_version SET version_num = '9999'", "newer"),
            ("DROP SCHEMA sla CASCADE", "hoiam migrate"),
        ],
        ids=["behind", "ahead", "missing"],
    )
    def test_tables_of_another_release_are_noticed(self, place, url, statement, remedy):
        run(url, statement)

        [(about, said)] = troubles(database.migrations(place))

        assert about == "migrations"
        assert remedy in said

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("GRANT USAGE ON SCHEMA intake TO hoiam_sla; GRANT SELECT ON intake.reporters TO hoiam_sla", "may read intake.reporters"),
            ("GRANT UPDATE ON sla.history TO hoiam_sla", "may change sla.history"),
            ("REVOKE INSERT ON routing.outbox FROM hoiam_routing", "may not read and write routing.outbox"),
        ],
    )
    def test_a_role_with_other_rights_is_named(self, place, url, statement, words):
        run(url, statement)

        [finding] = [finding for finding in database.roles(place) if finding.level is Level.WRONG]

        assert words in finding.words

    def test_a_login_that_may_act_as_two_services_is_named(self, place, url):
        run(url, "CREATE ROLE svc_doctored LOGIN IN ROLE hoiam_sla, hoiam_intake")
        try:
            found = [finding for finding in database.logins(place) if finding.level is Level.WRONG]
        finally:
            run(url, "DROP ROLE svc_doctored")

        assert [finding.words for finding in found] == ["svc_doctored may act as more than its service"]

    def test_different_provinces_are_noticed(self, place, url):
        run(url, "UPDATE notify.province SET digest = 'another'")

        assert "hoiam load" in troubles(database.policies(place))[0][1]

    def test_a_key_that_is_gone_is_noticed_before_somebody_needs_it(self, place, url):
        row = {"report_id": "01a21312-dd90-70e7-8496-e5da30cf264c", "sealed": "older:abc", "at": MONDAY}
        with room(url, "notify") as rooms, rooms.begin() as session:
            session.execute(insert(notify.contacts).values(**row))

        [finding] = [finding for finding in database.sealed(place) if finding.level is Level.WRONG]

        assert "'older'" in finding.words


class TestBus:
    def test_a_queue_that_is_missing_is_named(self, place, url):
        owner = create_engine(psycopg_url(url))
        with owner.begin() as connection:
            connection.execute(text("DELETE FROM bus.binding WHERE queue = 'sla.inbox'"))
            connection.execute(text("DELETE FROM bus.queue WHERE name = 'sla.inbox'"))
        owner.dispose()

        [finding] = bus.queues(place)

        assert "sla.inbox" in finding.words
        assert "topology apply" in finding.remedy

    def test_a_broker_that_is_away_is_said_to_be(self, url):
        [finding] = bus.queues(Place(database_url=url, amqp_url=f"amqp://a:b@127.0.0.1:{free_port()}/hoiam"))

        assert finding.level is Level.WRONG
        assert "AMQP_URL" in finding.remedy


class TestBrokerUsers:
    @pytest.fixture
    def broker(self, rabbit, amqp_url, url):
        """With a user for each service, in a vhost of its own."""
        RabbitBus(amqp_url, management_url=rabbit.management_url).apply(whole_topology(QUANG_TRI.model_copy(update={"agencies": {}})))
        with Management(rabbit.management_url, vhost=amqp_url.rsplit("/", 1)[1]) as management:
            management.permit_services({service: "password" for service in MAY})
            yield Place(database_url=url, amqp_url=amqp_url, management_url=rabbit.management_url), management
            for service in MAY:
                management.delete_user(f"svc.{service}")

    def test_with_the_rights_of_their_part_are_good(self, broker):
        place, _ = broker

        assert [finding.level for finding in (*bus.queues(place), *bus.users(place))] == [Level.GOOD, Level.GOOD]

    def test_one_with_more_is_named(self, broker):
        place, management = broker
        management.set_permissions("svc.intake", write=".*", read=".*")

        [finding] = bus.users(place)

        assert finding.words.startswith("svc.intake")

    def test_guest_is_named(self, broker):
        place, management = broker
        management.put_user("guest", "guest")
        try:
            [finding] = bus.users(place)
        finally:
            management.delete_user("guest")

        assert "guest" in finding.words

    def test_a_management_api_that_is_away_is_said_to_be(self, broker):
        place, _ = broker
        away = Place(database_url=place.database_url, amqp_url=place.amqp_url, management_url=f"http://a:b@127.0.0.1:{free_port()}")

        assert "MANAGEMENT_URL" in troubles(bus.users(away))[0][1]
