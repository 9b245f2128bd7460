"""Who follows leaves by the link in a letter: in notify and in a real intake, which counts them."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from services.notify.__main__ import service
from services.notify.store.reaching import silenced
from shared.messages import FollowerConfirmed, FollowerDeclined, FollowerLeft, FollowerReachable, ReportReceived
from shared.service import Process
from tests.builders import envelope, said
from tests.notify.replies.conftest import Street

BINH = {"name": "Bình", "email": "binh@example.vn"}


@pytest.fixture
def pages(street: Street, notify_url: str) -> Iterator[TestClient]:
    settings = street.settings.model_copy(update={"database_url": notify_url, "reply_listen": ""})
    process = Process(service(settings), settings)
    with TestClient(process.app) as client:
        yield client
    process.engine.dispose()


def followed(street: Street, report: ReportReceived) -> str:
    """The path of the link in the letter of somebody who now follows ``report``."""
    known = len(said(street.intake.handling.sessions))
    headers = {"X-Api-Key": street.portal_key}
    httpx2.post(f"{street.url}/v1/reports/{report.tracking_code}/followers", json={"contact": BINH}, headers=headers).raise_for_status()
    [asked] = said(street.intake.handling.sessions)[known:]
    assert isinstance(asked, FollowerReachable)
    street.handling.together([envelope(asked)])
    letter = street.letter()
    secret = re.search(r"#follower=[^.]+\.(\S+)", letter.get_body(("plain",)).get_content())[1]
    url = f"{street.url}/v1/followers/{asked.follower_id}/confirmation"
    httpx2.post(url, headers={"X-Report-Secret": secret}).raise_for_status()
    street.handling.together([envelope(fact) for fact in said(street.intake.handling.sessions) if isinstance(fact, FollowerConfirmed)][-1:])
    return letter["List-Unsubscribe"].strip("<>").removeprefix(street.settings.notify_url)


def pass_between(street: Street) -> None:
    """What notify says to intake, and what intake says to that."""
    for fact in said(street.handling.sessions):
        if isinstance(fact, FollowerDeclined):
            street.intake.handling.together([envelope(fact)])
    for fact in said(street.intake.handling.sessions):
        if isinstance(fact, FollowerLeft):
            street.handling.together([envelope(fact)])


def left_over(street: Street) -> list[int]:
    """Followers that intake and notify know."""
    of = [street.intake.handling.sessions, street.handling.sessions]
    return [rooms().execute(text("SELECT count(*) FROM followers")).scalar_one() for rooms in of]


class TestFollower:
    def test_who_leaves_by_the_link_is_forgotten_in_both(self, street, pages):
        link = followed(street, street.reported())
        assert left_over(street) == [1, 1]

        page = pages.post(link, data={"List-Unsubscribe": "One-Click"})
        pass_between(street)

        assert "đã thôi theo dõi phản ánh này" in page.text
        assert left_over(street) == [0, 0]

    def test_who_leaves_altogether_follows_nothing_more_and_may_still_come_back(self, street, pages):
        links = [followed(street, street.reported()) for _ in range(2)]
        assert left_over(street) == [2, 2]

        page = pages.post(links[0], data={"scope": "all"}).text
        pass_between(street)
        silent = self.silences(street)
        back = re.search(r'name="back" value="([^"]+)"', page)[1]
        pages.post(links[0], data={"scope": "resume", "back": back})

        assert left_over(street) == [0, 0]
        assert (len(silent), self.silences(street)) == (2, set())

    def test_whose_way_back_was_forged_stays_away(self, street, pages):
        link = followed(street, street.reported())
        page = pages.post(link, data={"scope": "all"}).text
        pass_between(street)
        back = re.search(r'name="back" value="([^"]+)"', page)[1]

        pages.post(link, data={"scope": "resume", "back": back[:-1] + ("0" if back[-1] != "0" else "1")})

        assert len(self.silences(street)) == 1

    def silences(self, street: Street) -> Any:
        with street.handling.sessions() as session:
            return silenced(session, session.scalars(text("SELECT name FROM silences")).all())


class TestReporter:
    def test_who_leaves_is_silent_and_their_report_has_its_followers(self, street, pages):
        report = street.reported()
        followed(street, report)
        link = next(mail for mail in street.mail_server.mail if mail["To"] == "lan@example.vn")["List-Unsubscribe"]

        pages.post(link.strip("<>").removeprefix(street.settings.notify_url))
        pass_between(street)

        assert left_over(street) == [1, 1]
