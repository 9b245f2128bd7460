"""`hoiam notify replay`, as an operator calls it."""

from datetime import timedelta

import pytest
from typer.testing import CliRunner

from services.cli import commands
from services.cli.process import CannotStart
from services.notify.channels.choice import deliveries
from services.notify.domain.notices import State
from tests.builders import MONDAY
from tests.notify.conftest import LAN, notices

SPAN = ("--since", MONDAY.isoformat(), "--until", (MONDAY + timedelta(hours=1)).isoformat())


@pytest.fixture
def hoiam(notify_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", notify_url)
    return lambda *arguments: CliRunner().invoke(commands.app, ["notify", "replay", *arguments], catch_exceptions=False)


class TestReplay:
    def test_of_everything_brings_back_what_failed(
        self, handling, rooms, report_of, hook, receiver, settings_with, mail_server, clock, hoiam
    ):
        mail_server.refuse["lan@example.vn"], receiver.status = "550 5.1.1 no", 410
        loops = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)
        report = report_of(LAN)
        for name in ("email", "webhook"):
            loops[name].turn(handling)

        result = hoiam(*SPAN)

        assert result.output.splitlines() == [f"webhook {hook.report_id}: 1", "letters: 1", "2 notices go out again."]
        assert {notice.state for notice in notices(rooms, report)} == {State.PENDING}

    def test_of_another_time_brings_back_nothing(self, handling, rooms, report_of, hoiam):
        report_of(LAN)

        result = hoiam("--since", "2026-01-01", "--until", "2026-01-02T00:00:00")

        assert result.output.splitlines() == ["letters: 0", "0 notices go out again."]

    def test_of_a_span_that_is_none_says_so(self, hoiam):
        with pytest.raises(CannotStart, match="--since must be before --until"):
            hoiam("--since", "2026-01-02", "--until", "2026-01-02")
