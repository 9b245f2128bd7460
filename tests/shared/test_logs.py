"""One JSON object a line, which names the report and the trace on every way, and never what somebody wrote."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from shared.database import migrate
from shared.settings import PROJECT
from tests.shared.speaking import REPORT, SECRET

HELD, FAILED = "message held", "request failed"


@pytest.fixture(scope="module")
def output(module_database_url) -> str:
    """What a process says that met trouble on every way."""
    migrate(module_database_url, "sla")
    command = [sys.executable, "-m", "tests.shared.speaking", module_database_url]
    done = subprocess.run(command, cwd=PROJECT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lines(output) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


class TestLines:
    @pytest.mark.parametrize(
        ("event", "digit"),
        [(FAILED, "a"), (HELD, "b"), ("the bus did not take a message; its destination waits", "c")],
        ids=["HTTP", "bus", "relay"],
    )
    def test_name_the_report_and_its_trace(self, lines, event, digit):
        line = next(line for line in lines if line["event"] == event)

        assert (line["report_id"], line["trace_id"]) == (REPORT, digit * 32)
        assert line["service"] == "sla"
        assert line["level"] in {"warning", "error"}

    def test_of_a_request_in_nobodys_trace_have_one_of_their_own(self, lines):
        [_, second] = [line for line in lines if line["event"] == FAILED]

        assert len(second["trace_id"]) == 32
        assert "report_id" not in second  # what stood in its place was none

    def test_tell_where_a_deadline_broke(self, lines):
        [line] = [line for line in lines if line["event"].startswith("a deadline failed")][:1]

        assert line["exception"][0]["exc_type"] == "RuntimeError"
        assert "frames" in line["exception"][0]

    def test_never_say_what_somebody_wrote(self, output):
        assert SECRET not in output
        assert json.dumps(SECRET)[1:-1] not in output
