"""Nothing that identifies a reporter is left in notify once the reporter is forgotten, and nothing brings it back."""

from datetime import timedelta

from sqlalchemy import MetaData, text

from services.notify import handlers
from services.notify.channels.choice import deliveries
from services.notify.domain.audience import Reader
from services.notify.domain.notices import State
from services.notify.domain.webhooks import Replay
from shared.envelope import new_id
from shared.messages import CaseResolved, ReporterErased
from tests.builders import MONDAY, envelope
from tests.notify.conftest import notices
from tests.notify.stories import about

NAMED = {"name": "Trần Canary", "email": "canary@example.vn", "phone": "+84987654321"}


class TestForgotten:
    def test_no_table_holds_text_or_contact_whatever_had_become_of_the_letters(
        self, handling, rooms, report_of, settings_with, mail_server, clock
    ):
        """One letter was sent, one refused for good, one waits for its next try."""
        report = report_of(NAMED, tracking_code="QT-CANARY")
        by_mail = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)["email"]
        for version, answer in ((5, None), (6, "550 5.1.1 no"), (7, "452 4.2.2 full")):
            mail_server.refuse = {"canary@example.vn": answer} if answer else {}
            handling.together([envelope(about(report, CaseResolved, version))])
            clock.move(hours=2)
            by_mail.turn(handling)
        before = {notice.state for notice in notices(rooms, report)}

        handling.together([envelope(ReporterErased(report_id=report.report_id, at=MONDAY + timedelta(days=1)))])

        assert before == {State.SENT, State.FAILED, State.PENDING}
        assert all((notice.subject, notice.body) == ("", "") for notice in notices(rooms, report))
        assert not [trace for trace in ("canary@", "987654321", "Đã thay ba bóng đèn", "Trần") if trace in _everything(rooms)]
        assert "PENDING" not in {notice.state.name for notice in notices(rooms, report)}

    def test_what_was_written_in_the_very_batch_goes_too(self, handling, rooms, report_of):
        report = report_of(NAMED)

        erased = ReporterErased(report_id=report.report_id, at=MONDAY + timedelta(days=1))
        handling.together([envelope(about(report, CaseResolved, 5)), envelope(erased)])

        [letter] = [notice for notice in notices(rooms, report) if notice.about == CaseResolved.topic and notice.reader == Reader.REPORTER]
        assert (letter.state, letter.body, letter.recipient) == (State.FAILED, "", "")

    def test_no_letter_is_brought_back(self, handling, rooms, report_of, settings_with, mail_server, clock):
        mail_server.refuse["canary@example.vn"] = "550 5.1.1 no"
        report = report_of(NAMED)
        by_mail = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)["email"]
        by_mail.turn(handling)
        handling.together([envelope(ReporterErased(report_id=report.report_id, at=MONDAY + timedelta(days=1)))])
        mail_server.refuse.clear()

        asked = Replay(report_id=new_id(), at=MONDAY, since=MONDAY, until=MONDAY + timedelta(days=9), to_people=True)
        handling.keep(lambda session: handlers.replay(asked, session))

        assert by_mail.turn(handling) == 0
        assert mail_server.mail == []

    def test_a_letter_that_failed_comes_again_when_that_is_asked_for_and_one_that_arrived_does_not(
        self, handling, rooms, report_of, settings_with, mail_server, clock
    ):
        """The counterpart: without forgetting, replay does bring back what failed."""
        report_of(NAMED)
        by_mail = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)["email"]
        by_mail.turn(handling)
        mail_server.refuse["canary@example.vn"] = "550 5.1.1 no"
        failed = report_of(NAMED)
        by_mail.turn(handling)
        mail_server.refuse.clear()

        asked = Replay(report_id=new_id(), at=MONDAY, since=MONDAY, until=MONDAY + timedelta(days=9), to_people=True, failed_only=False)
        handling.keep(lambda session: handlers.replay(asked, session))

        assert by_mail.turn(handling) == 1
        assert mail_server.mail[-1]["Message-ID"] == f"<{notices(rooms, failed)[0].id}@hoiam.example>"


def _everything(rooms) -> str:
    """All rows of all tables that are notify's own, as text."""
    with rooms() as session:
        known = MetaData()
        known.reflect(session.connection(), schema="notify")
        return "".join(
            str(session.execute(text(f"SELECT t::text FROM {table} t")).all()) for table in known.tables if "alembic" not in table
        )
