"""Who follows somebody else's report: written to once, told the news when confirmed, and never afterwards."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notify.domain.audience import TABLE
from services.notify.domain.followers import UNCONFIRMED_LASTS
from services.notify.domain.notices import State
from shared import messages as say
from shared.access import link_secret
from shared.errors import NotYet
from shared.messages import FollowerConfirmed, FollowerLeft, FollowerReachable, ReportReceived
from shared.privacy import SealingKeys
from tests.builders import envelope, topics
from tests.notify.conftest import KEYS, LAN, LINK_KEY, notices
from tests.notify.stories import about, everything

BINH = {"email": "binh@example.vn", "phone": ""}


def asking(report: ReportReceived, **fields: Any) -> FollowerReachable:
    follower_id = uuid4()
    sealed = SealingKeys.parse(KEYS).seal(json.dumps(BINH), about=str(follower_id))
    return FollowerReachable(**{"report_id": report.report_id, "at": report.at, "follower_id": follower_id, "sealed": sealed} | fields)


def confirmed(asked: FollowerReachable) -> FollowerConfirmed:
    return FollowerConfirmed(report_id=asked.report_id, at=asked.at, follower_id=asked.follower_id)


def left(asked: FollowerReachable) -> FollowerLeft:
    return FollowerLeft(report_id=asked.report_id, at=asked.at, follower_id=asked.follower_id)


@pytest.fixture
def hear(handling):
    """Each in a batch of its own."""

    def hear(*facts: Any) -> None:
        for fact in facts:
            handling.together([envelope(fact)])

    return hear


def deliver(delivery: Any, clock: Any, handling: Any) -> None:
    """Everything, whenever it is due."""
    clock.move(days=1)
    while delivery.turn(handling):
        pass


def to_followers(rooms: Any, report: ReportReceived) -> list[str]:
    return [notice.about for notice in notices(rooms, report) if notice.follower_id]


class TestFollower:
    def test_is_asked_by_letter_with_a_link_of_their_own(self, handling, rooms, report_of, hear, by_mail, mail_server):
        asked = asking(report_of())

        hear(asked)
        by_mail.turn(handling)

        [mail] = mail_server.mail
        assert mail["To"] == "binh@example.vn"
        assert mail["Subject"].startswith("Xin xác nhận theo dõi phản ánh QT-")
        secret = link_secret(LINK_KEY, asked.follower_id)
        assert f"#follower={asked.follower_id}.{secret}" in mail.get_body(("plain",)).get_content().replace("\n", "")
        assert topics(rooms) == []

    def test_hears_nothing_before_the_confirmation(self, rooms, report_of, hear):
        report = report_of()

        hear(asking(report), about(report, say.CaseResolved))

        assert to_followers(rooms, report) == ["follower.reachable"]

    def test_hears_the_news_as_others_read_it(self, handling, rooms, report_of, hear, by_mail, mail_server, clock):
        report = report_of(LAN)
        asked = asking(report, language="en")

        hear(asked, confirmed(asked), *everything(report))
        deliver(by_mail, clock, handling)

        told = to_followers(rooms, report)
        assert sorted(told) == sorted(["follower.reachable", *(key for key, line in TABLE.items() if line.follower)])
        letters = [mail.get_body(("plain",)).get_content() for mail in mail_server.mail if mail["To"] == "binh@example.vn"]
        assert len(letters) == len(told)
        assert any("Đã thay ba bóng đèn" in letter and "which you follow" not in letter and "Hello," in letter for letter in letters)
        assert all("To get no more letters: http://127.0.0.1:8314/v1/leave/" in letter for letter in letters)
        assert link_secret(LINK_KEY, report.report_id) not in "".join(letters)
        assert not any(word in "".join(letters) for word in ("lan@", "Thị Lan", "your report"))

    def test_is_told_in_the_batch_they_confirm_in(self, handling, rooms, report_of):
        report = report_of()
        asked = asking(report)

        handling.together([envelope(fact) for fact in (asked, confirmed(asked), about(report, say.CaseClosed))])

        assert to_followers(rooms, report) == ["follower.reachable", "case.closed"]

    def test_says_nothing_about_the_reporter_being_told(self, handling, rooms, report_of, hear, by_mail):
        asked = asking(report_of())
        hear(asked)
        by_mail.turn(handling)

        assert [notice.state for notice in notices(rooms, asked)] == [State.SENT]
        assert topics(rooms) == []

    def test_who_left_is_forgotten_with_what_was_still_to_be_sent(self, handling, rooms, report_of, hear, by_mail, mail_server, clock):
        report = report_of()
        asked = asking(report)
        hear(asked, confirmed(asked), about(report, say.CaseClosed), left(asked), about(report, say.CaseReopened, 9))

        deliver(by_mail, clock, handling)

        assert [mail for mail in mail_server.mail if mail["To"] == "binh@example.vn"] == []
        assert {notice.state for notice in notices(rooms, report)} == {State.FAILED}
        assert "case.reopened" not in to_followers(rooms, report)
        with rooms() as session:
            assert session.scalar(text("SELECT count(*) FROM followers")) == 0

    def test_may_come_and_go_in_one_batch(self, handling, rooms, report_of):
        report = report_of()
        asked = asking(report)

        handling.together([envelope(fact) for fact in (asked, left(asked), left(asked))])

        with rooms() as session:
            assert session.scalar(text("SELECT count(*) FROM followers")) == 0

    def test_whose_confirmation_comes_first_is_waited_for(self, handling, report_of):
        asked = asking(report_of())

        [outcome] = handling.batch([envelope(confirmed(asked))])

        assert isinstance(outcome, NotYet)

    def test_who_never_confirms_is_forgotten(self, handling, rooms, report_of, hear):
        report = report_of()
        one, other = asking(report), asking(report)
        hear(one, other, confirmed(one))

        handling.tick(report.at + UNCONFIRMED_LASTS)
        with rooms() as session:
            before = session.scalar(text("SELECT count(*) FROM followers"))
        handling.tick(report.at + UNCONFIRMED_LASTS + timedelta(seconds=1))

        with rooms() as session:
            assert (before, session.scalars(text("SELECT follower_id FROM followers")).all()) == (2, [one.follower_id])

    def test_is_told_the_same_once(self, rooms, report_of, hear):
        report = report_of()
        asked = asking(report)

        hear(asked, confirmed(asked), about(report, say.CaseClosed), about(report, say.CaseClosed))

        assert to_followers(rooms, report) == ["follower.reachable", "case.closed"]
        assert isinstance(asked.follower_id, UUID)
