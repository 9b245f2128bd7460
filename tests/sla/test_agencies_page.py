"""The page that tells agencies how to work over HTTP: its commands do what it says."""

import re
import shlex
from itertools import pairwise
from uuid import uuid4

import pytest

from shared import messages as say
from shared.settings import PROJECT
from tests.builders import MONDAY, received, routed
from tests.sla.cases import HOUR

PAGE = (PROJECT / "docs/agencies.md").read_text(encoding="utf-8")
LINES = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.S)).replace("\\\n", " ").splitlines()


class TestPage:
    def test_every_command_answers_as_it_says(self, call):
        report, comment = received(), uuid4()
        call.tell(report, routed(report))
        known = {"SLA": "", "CASE": str(report.report_id), "COMMENT": str(comment)}
        done = 0

        for line in LINES:
            if role := re.search(r"--role (\S+)", line):
                known["TOKEN"] = call.token(role[1])["Authorization"].removeprefix("Bearer ")
            elif line.startswith("curl"):
                known["ETAG"] = call.get("admin", f"/v1/cases/{report.report_id}").headers["ETag"]
                assert answered(call, line, known) == int(line.rpartition("#")[2]), line
                done += 1
            if "/return" in line:
                call.tell(say.ReportCommented(report_id=report.report_id, at=MONDAY + HOUR, comment_id=comment, text="Vẫn hỏng"))

        assert done == PAGE.count("\ncurl ")

    @pytest.mark.parametrize(
        "view", ["mine", "due_soon", "overdue", "to_answer", "waiting_for_approval", "waiting_for_reporter", "supporting", "open", "all"]
    )
    def test_explains_every_view(self, view):
        assert f"| `{view}` |" in PAGE


def answered(call, line, known):
    """The status, sent as curl would send it."""
    words = [re.sub(r"\$([A-Z]+)", lambda name: known[name[1]], word) for word in shlex.split(line, comments=True)]
    options = list(pairwise(words))
    headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
    [url] = [word for word in words if word.startswith("/v1/")]
    body = next((value.encode() for name, value in options if name == "-d"), None)
    return call.http.request("POST" if "-X" in words else "GET", url, headers=headers, content=body).status_code
