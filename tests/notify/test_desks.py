"""Who of an office is called, and at which telephone and which hours."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.notify import store
from services.notify.channels.choice import deliveries
from services.notify.domain.audience import Reader
from services.notify.domain.notices import Notice
from services.notify.domain.restraint import Restraint
from services.notify.domain.telling import Subject
from services.notify.store.restraint import let_go
from shared import messages as say
from shared import province
from shared.province import Contact, Province, Wording, WorkingHours
from tests.builders import MONDAY, VIETNAM, envelope, received
from tests.notify.stories import about

NIGHTS = WorkingHours.model_validate({"weekdays": [1, 2, 3, 4, 5], "spans": [{"begin": "17:00", "end": "22:00"}]})


def person(name: str, **how: str) -> Contact:
    return Contact(who=Wording(vi=name, en=name), **how)


def with_agency(of: Province, code: str = "dh", **fields: Any) -> Province:
    changed = of.agencies[code].model_copy(update=fields)
    return of.model_copy(update={"agencies": {**of.agencies, code: changed}})


def told(of: Province, kind: Any, **fields: Any) -> list[Notice]:
    """What offices hear of one fact about a case of Đông Hà."""
    report = received()
    return Subject.of(report).hear(about(report, kind, **fields), [], of)


def addresses(notices: list[Notice], reader: Reader) -> list[str]:
    return [notice.address for notice in notices if notice.reader == reader]


class TestEscalation:
    @pytest.mark.parametrize(
        ("step", "address"),
        [(1, "pho@dh.example"), (2, "truong@dh.example"), (3, "chu-tich@tinh.example"), (9, "chu-tich@tinh.example")],
    )
    def test_calls_the_next_one_at_each_step_and_goes_on_with_the_last(self, quang_tri, step, address):
        of = with_agency(quang_tri, "sxd", escalation=(person("Sở", email="chu-tich@tinh.example"),))
        own = (person("Phó", email="pho@dh.example"), person("Trưởng", email="truong@dh.example"))
        of = with_agency(of, escalation=own, parent="sxd")

        notices = told(of, say.ClockEscalated, step=step)

        assert addresses(notices, Reader.HEAD) == [address]

    def test_without_a_chain_of_its_own_begins_with_its_head(self, quang_tri):
        of = with_agency(quang_tri, head_email="chu-tich@dh.example", parent="vpub")

        assert addresses(told(of, say.ClockEscalated, step=1), Reader.HEAD) == ["chu-tich@dh.example"]
        assert addresses(told(of, say.ClockEscalated, step=3), Reader.HEAD) == ["chu-tich@dh.example"]

    def test_ends_with_the_first_of_the_provincial_office(self, quang_tri):
        assert addresses(told(quang_tri, say.ClockEscalated, step=3), Reader.OFFICE) == ["chanhvanphong@quangtri.example"]

    def test_calls_who_has_only_a_telephone_there_and_writes_to_the_head(self, quang_tri):
        of = with_agency(quang_tri, head_email="chu-tich@dh.example", escalation=(person("Phó", phone="0912345678"),))

        notices = told(of, say.ClockEscalated, step=1)

        assert addresses(notices, Reader.HEAD) == ["chu-tich@dh.example", "0912345678"]
        assert [notice.recipient for notice in notices] == ["head:dh", "head:dh/phone"]

    def test_gives_each_of_them_a_budget_and_a_digest_of_their_own(self, quang_tri):
        of = with_agency(quang_tri, escalation=(person("Phó", email="pho@dh.example"), person("Trưởng", email="truong@dh.example")))

        notices = [notice for step in (1, 2) for notice in told(of, say.ClockEscalated, step=step) if notice.reader == Reader.HEAD]

        assert [notice.recipient for notice in notices] == ["head:dh", "head:dh/2"]


class TestDuty:
    def test_has_a_short_message_beside_the_letter_when_it_presses(self, quang_tri):
        of = with_agency(quang_tri, duty_email="truc@dh.example", duty_phone="+84912345678")

        assert addresses(told(of, say.ClockBreached), Reader.DUTY_OFFICER) == ["truc@dh.example", "+84912345678"]
        assert addresses(told(of, say.CaseAssigned, urgent=True), Reader.DUTY_OFFICER) == ["truc@dh.example", "+84912345678"]
        assert addresses(told(of, say.CaseAssigned), Reader.DUTY_OFFICER) == ["truc@dh.example"]

    @pytest.mark.parametrize("phone", ["1900868674", "02333852345", "113"])
    def test_at_a_telephone_that_takes_no_short_message_has_its_letter_alone(self, quang_tri, phone):
        assert addresses(told(with_agency(quang_tri, duty_phone=phone), say.ClockBreached), Reader.DUTY_OFFICER) == ["dh@quangtri.example"]

    @pytest.mark.parametrize(
        ("hour", "day", "due"),
        [(18, 16, (16, 18)), (9, 16, (16, 17)), (23, 16, (17, 17)), (23, 20, (23, 17))],  # Friday night: Monday
    )
    def test_is_called_within_its_hours(self, quang_tri, hour, day, due):
        of, at = with_agency(quang_tri, duty_phone="0912345678", duty_hours=NIGHTS), datetime(2026, 11, day, hour, tzinfo=VIETNAM)
        report = received()

        [letter, call] = Subject.of(report).hear(about(report, say.CaseAssigned, urgent=True).model_copy(update={"at": at}), [], of)

        assert letter.due_at == at
        assert call.due_at == datetime(2026, 11, due[0], due[1], tzinfo=VIETNAM)


class TestShortMessages:
    @pytest.fixture
    def urgent(self, held, rooms, quang_tri) -> None:
        """A case that presses; its agency has a mobile telephone on duty."""
        with rooms.begin() as session:
            province.store(session, with_agency(quang_tri, duty_phone="0912345678"), MONDAY + timedelta(hours=1))
        report = received()
        held.together([envelope(report)])
        held.together([envelope(about(report, say.CaseAssigned, urgent=True))])

    def letting_go(self, held: Any, *, gateway: bool) -> None:
        rules = Restraint(per_hour=4, per_day=12, quiet=None, short_messages=gateway)
        held.keep(lambda session: let_go(session, rules, MONDAY + timedelta(hours=2)))

    def test_go_through_the_gateway(self, held, urgent, settings_with, receiver, clock):
        self.letting_go(held, gateway=True)
        clock.move(hours=3)
        loops = deliveries(settings_with(sms_gateway_url=receiver.url), clock)

        for name in ("mailbox", "sms"):
            loops[name].turn(held)

        [event] = receiver.events
        assert event["to"] == "0912345678"
        assert event["text"].startswith("KHẨN: Việc mới: phản ánh QT-")

    def test_are_not_wanted_where_there_is_no_gateway(self, held, urgent, rooms):
        self.letting_go(held, gateway=False)

        with rooms() as session:
            assert session.execute(select(store.notices.c.address, store.notices.c.state).order_by(store.notices.c.address)).all() == [
                ("0912345678", "unwanted"),
                ("dh@quangtri.example", "pending"),
            ]
