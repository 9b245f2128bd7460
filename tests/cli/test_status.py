"""`hoiam status` on a database of its own, with no service running: the screen, what is to be done, and the exit code."""

import pytest
from typer.testing import CliRunner

from services.cli import commands
from services.cli.doctor.place import Place
from services.cli.process import free_port
from services.cli.status.looking import LIMITS, look
from services.cli.system import HANDLERS, room
from shared import mailbox
from tests.builders import MONDAY
from tests.cli.test_commands import held
from tests.house.test_monitoring import NAMES, series


@pytest.fixture
def prepared(database_url, monkeypatch):
    """Migrated, loaded, with its queues."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    for command in (["migrate"], ["load"], ["topology", "apply"]):
        assert CliRunner().invoke(commands.app, command, catch_exceptions=False).exit_code == 0
    return database_url


def nobody(_service: str) -> str:
    return f"http://127.0.0.1:{free_port()}"


class TestStatus:
    def test_shows_what_waits_though_no_service_answers_and_fails(self, prepared, monkeypatch):
        monkeypatch.setenv("SERVICES_URL", nobody("") + "/{}")

        shown = CliRunner().invoke(commands.app, ["status"], catch_exceptions=False, env={"COLUMNS": "100"})

        assert shown.exit_code == 1
        for service in HANDLERS:
            assert f"{service} does not answer: ServiceDown" in shown.output
        assert "?" not in shown.output

    def test_a_parked_message_is_something_to_do(self, prepared):
        with room(prepared, "sla") as rooms, rooms.begin() as session:
            mailbox.hold(session, held("m1", received_at=MONDAY))

        seen = look(Place(database_url=prepared), nobody)

        assert seen.values("hoiam_parked_rows", "sla") == [1]
        assert "hoiam_parked_rows is 1: MessagesParked" in seen.troubles
        assert seen.waiting == dict.fromkeys(HANDLERS, 0)

    def test_without_a_database_it_says_so_and_shows_no_numbers(self):
        seen = look(Place(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none"), nobody)

        assert seen.total("hoiam_open_cases") is None
        assert any("the database can't be asked" in trouble for trouble in seen.troubles)

    def test_without_an_installation_it_says_how_to_get_one(self):
        assert any("hoiam up" in trouble for trouble in look(Place(database_url=""), nobody).troubles)

    def test_what_it_minds_is_shown_and_has_its_paragraph_in_the_runbook(self):
        assert LIMITS.keys() <= series()
        assert {alert for _, alert in LIMITS.values()} <= set(NAMES)
