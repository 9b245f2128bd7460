"""A history that was touched behind the service's back is found, and the first touched row is named."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from services.cli.audit import verify
from shared.database import Sessions
from shared.messages import AcceptCase, SubmitResult
from tests.builders import asked, envelope, received, routed

ANSWER = {"outcome": "fixed", "answer": "Đã thay bóng đèn – “đúng hẹn”.", "evidence": ("media:anh-sau-khi-sua",)}
Touch = Callable[[str], None]


@pytest.fixture
def reports(handling):
    """Three cases of four rows each."""
    reports = [received() for _ in range(3)]
    for report in reports:
        asks = [asked(AcceptCase, report.report_id), asked(SubmitResult, report.report_id, **ANSWER)]
        for message in (report, routed(report), *asks):
            handling.together([envelope(message)])
    return sorted(reports, key=lambda report: report.report_id)


@pytest.fixture
def touch(rooms: Sessions) -> Touch:
    """As the owner of the database, whom no grant keeps away."""

    def run(statement: str) -> None:
        with rooms.begin() as session:
            session.execute(text("SET ROLE NONE"))
            session.execute(text(statement))

    return run


def verdict(database_url: str) -> tuple[bool, list[str]]:
    lines: list[str] = []
    return verify(database_url, lines.append), lines


class TestVerify:
    def test_passes_what_was_not_touched(self, reports, database_url):
        assert verdict(database_url) == (True, ["3 cases, 0 broken"])

    @pytest.mark.parametrize(
        ("statement", "row", "says"),
        [
            ('UPDATE history SET data = data || \'{{"answer": "Đã xong"}}\' WHERE seq = 4 AND {case}', 4, "is not what was written"),
            ("UPDATE history SET at = at - interval '1 second' WHERE seq = 2 AND {case}", 2, "is not what was written"),
            ("UPDATE history SET actor = 'agency:sxd' WHERE seq = 3 AND {case}", 3, "is not what was written"),
            ("UPDATE history SET prev_hash = hash WHERE seq = 3 AND {case}", 3, "does not follow from the row before it"),
            ("DELETE FROM history WHERE seq = 2 AND {case}", 2, "is missing"),
            ("DELETE FROM history WHERE seq >= 3 AND {case}", 3, "is missing: the history was cut off"),
            ("DELETE FROM history WHERE {case}", 1, "is missing: the history was cut off"),
            ("UPDATE cases SET last_hash = repeat('0', 64) WHERE {case}", 4, "is not what was written"),
        ],
    )
    def test_names_the_first_row_that_was_touched(self, reports, touch, database_url, statement, row, says):
        touched = reports[1].report_id

        touch(statement.format(case=f"report_id = '{touched}'"))

        assert verdict(database_url) == (False, [f"report {touched}: row {row} {says}", "3 cases, 1 broken"])

    def test_two_rows_that_changed_places_are_found(self, reports, touch, database_url):
        one = reports[0].report_id
        touch(f"UPDATE history SET seq = CASE seq WHEN 2 THEN 103 WHEN 3 THEN 102 END WHERE seq IN (2, 3) AND report_id = '{one}'")
        touch(f"UPDATE history SET seq = seq - 100 WHERE seq > 100 AND report_id = '{one}'")

        assert verdict(database_url)[1][0].startswith(f"report {one}: row 2 ")

    def test_the_service_itself_can_not_touch_it(self, reports, rooms):
        for statement in ("UPDATE history SET actor = ''", "DELETE FROM history", "TRUNCATE history"):
            with pytest.raises(Exception, match="permission denied"), rooms.begin() as session:
                session.execute(text(statement))
