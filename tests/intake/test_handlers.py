"""What intake makes of the news about a report: the same whatever their order, and however often they come."""

import random
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.intake import store
from services.intake.domain.report import OPEN
from services.intake.domain.timeline import SHOWN
from services.intake.domain.wording import OUTCOME, STATUS
from services.intake.handlers import HANDLERS
from services.intake.store import reports
from shared import messages as say
from shared.errors import NotYet
from shared.messages import FACTS, Message, Outcome
from tests.builders import MONDAY, delivered, envelope, topics
from tests.statements import heard

LATER = [MONDAY + timedelta(hours=n) for n in range(12)]
DUE, NEW_DUE = MONDAY + timedelta(days=3), MONDAY + timedelta(days=6)


def a_life(report_id: UUID, code: str = "QT-0000-0000") -> list[Message]:
    """Routed, returned, routed again, worked on, asked, extended, answered, sent back, answered, closed."""

    def case(kind: type[say.CaseFact], version: int, agency: str = "dh", **fields: Any) -> Message:
        return kind(report_id=report_id, at=LATER[version // 2], version=version, agency=agency, **fields)

    def routing(hour: int, agency: str, hop: int) -> Message:
        explanation = "Đèn đường do UBND cấp huyện phụ trách."
        return say.ReportRouted(
            report_id=report_id, at=LATER[hour], agency=agency, rule="r", explanation=explanation, sla_class="S3", hop=hop
        )

    return [
        case(say.CaseOpened, 1, "ioc", tracking_code=code, category="CS01"),
        routing(1, "sct", 1),
        case(say.CaseAssigned, 2, "sct", due_at=DUE, hop=1),
        case(say.CaseReturned, 3, "sct", reason="Không thuộc thẩm quyền", hop=1),
        routing(2, "dh", 2),
        case(say.CaseAssigned, 4, due_at=DUE, hop=2),
        case(say.CaseAccepted, 5, due_at=DUE),
        case(say.CaseQuestioned, 6, question="Trụ đèn số mấy?"),
        case(say.CaseResumed, 7, due_at=DUE),
        case(say.CaseExtended, 8, due_at=NEW_DUE, reason="Chờ vật tư"),
        case(say.CaseProgressed, 9, text="Đã đặt mua bóng đèn.", expected_on=NEW_DUE.date()),
        case(say.CaseSubmitted, 10, outcome=Outcome.FIXED, answer="BẢN NHÁP"),
        case(say.CaseSentBack, 11, reason="NỘI BỘ"),
        case(say.CaseSubmitted, 12, outcome=Outcome.FIXED, answer="Đã thay bóng đèn"),
        case(say.CaseAnswered, 13, comment_id=uuid4(), answer="Sẽ thay ngay hôm nay", on_time=True),
        case(say.CaseResolved, 14, outcome=Outcome.FIXED, answer="Đã thay bóng đèn", submitted_at=LATER[6], due_at=NEW_DUE, on_time=True),
        say.NoticeDelivered(report_id=report_id, at=LATER[8], notice_id=uuid4(), channel="email", about="case.resolved"),
        case(say.CaseClosed, 16),
    ]


class TestNews:
    def test_of_a_whole_life_are_shown_in_order(self, office, quang_tri):
        report_id, code = office.received()

        office.handling.together([envelope(fact) for fact in a_life(report_id)])

        shown = office.shown(code)
        assert (shown["status"], shown["agency"]["code"]) == ("closed", "dh")
        assert shown["agency"]["name"] == quang_tri.agencies["dh"].name.model_dump()
        assert (shown["outcome"], shown["answer"]) == ("fixed", "Đã thay bóng đèn")
        assert datetime.fromisoformat(shown["due_at"]) == NEW_DUE
        assert [entry["at"] for entry in shown["timeline"][1:]] == sorted(entry["at"] for entry in shown["timeline"][1:])
        assert {entry["topic"] for entry in shown["timeline"]} == {"report.received"} | {fact.topic for fact in a_life(report_id)}

    def test_are_told_in_words(self, office):
        report_id, code = office.received()

        office.handling.together([envelope(fact) for fact in a_life(report_id)])

        told = {entry["topic"]: entry for entry in office.shown(code)["timeline"]}
        assert "08:00 ngày 22/11/2026" in told["case.extended"]["text"]["vi"]
        assert "Chờ vật tư" in told["case.extended"]["text"]["en"]
        assert "Trụ đèn số mấy?" in told["case.questioned"]["text"]["vi"]
        assert told["case.progressed"]["text"]["vi"].endswith("Đã đặt mua bóng đèn. Dự kiến xong ngày 22/11/2026.")
        assert "Đã khắc phục. " in told["case.resolved"]["text"]["vi"]
        assert (told["case.resolved"]["outcome"], told["case.resolved"]["answer"]) == ("fixed", "Đã thay bóng đèn")
        assert told["case.answered"]["answer"] == "Sẽ thay ngay hôm nay"
        assert told["report.routed"]["agency"]["code"] == "dh"
        for entry in told.values():
            for words in entry["text"].values():
                assert words
                assert "{" not in words
                assert "None" not in words

    def test_of_an_answer_that_is_not_approved_stay_inside(self, office):
        report_id, _ = office.received()

        office.handling.together([envelope(fact) for fact in a_life(report_id)])

        with office.rooms() as session:
            kept = str(session.execute(text("SELECT * FROM timeline")).all())
        assert "BẢN NHÁP" not in kept
        assert "NỘI BỘ" not in kept

    def test_of_an_answer_that_was_reopened_are_no_answer(self, office):
        report_id, code = office.received()
        life = a_life(report_id)[:-1]
        again = say.CaseReopened(report_id=report_id, at=LATER[9], version=18, agency="dh", reason="Đèn lại tắt")

        office.handling.together([envelope(fact) for fact in [*life, again]])

        shown = office.shown(code)
        assert (shown["status"], shown["answer"], shown["outcome"]) == ("in_progress", None, None)

    @pytest.mark.parametrize("seed", range(12))
    def test_in_any_order_and_any_batches_end_in_the_same_state(self, office, seed):
        (first, code), (second, other) = office.received(), office.received()
        in_order = a_life(first)
        shuffled = [fact.model_copy(update={"report_id": second}) for fact in in_order]
        dice = random.Random(seed)
        dice.shuffle(shuffled)
        cuts = sorted({0, len(shuffled), *dice.sample(range(len(shuffled)), 4)})

        office.handling.together([envelope(fact) for fact in in_order])
        for begin, end in pairwise(cuts):
            office.handling.together([envelope(fact) for fact in shuffled[begin:end]])

        own = ("tracking_code", "received_at")
        expected, found = office.shown(code), office.shown(other)
        assert [entry["topic"] for entry in found["timeline"]] == [entry["topic"] for entry in expected["timeline"]]
        found["timeline"], expected["timeline"] = found["timeline"][1:], expected["timeline"][1:]
        assert {k: v for k, v in found.items() if k not in own} == {k: v for k, v in expected.items() if k not in own}

    def test_delivered_twice_are_shown_once(self, office):
        report_id, code = office.received()
        deliveries = [delivered(envelope(fact)) for fact in a_life(report_id)]

        office.handling.deliveries(deliveries, MONDAY)
        once = office.shown(code)
        office.handling.deliveries(deliveries, MONDAY)
        office.handling.deliveries(deliveries + deliveries, MONDAY)

        assert office.shown(code) == once
        assert office.rows("timeline") == len(deliveries)
        assert office.rows("held") == 0

    def test_of_a_report_nobody_knows_are_held_for_later(self, office):
        [fact, *_] = a_life(uuid4())

        with pytest.raises(NotYet):
            office.handling.together([envelope(fact)])
        office.handling.deliveries([delivered(fact)], MONDAY)

        with office.rooms() as session:
            assert session.execute(text("SELECT code, due_at IS NULL FROM held")).all() == [("NotYet", False)]

    def test_of_many_reports_cost_a_few_statements_in_all(self, office):
        facts = [fact for _ in range(30) for fact in a_life(office.received()[0])[:7]]

        with heard(office.rooms.kw["bind"]) as statements:
            office.handling.together([envelope(fact) for fact in facts])

        assert len(facts) == 210
        assert 3 <= len(statements) <= 6, statements

    def test_say_nothing(self, office):
        report_id, _ = office.received()

        office.handling.together([envelope(fact) for fact in a_life(report_id)])

        assert topics(office.rooms) == ["report.received"]


class TestHandlers:
    def test_every_public_fact_of_the_others_is_understood(self):
        public = {kind for owner in ("routing", "sla", "notify") for kind in FACTS[owner]} - {say.ClockMet}

        assert public <= set(HANDLERS)
        assert not set(HANDLERS) & set(FACTS["intake"])

    def test_no_shown_field_is_one_the_fact_does_not_have(self):
        for kind, fields in SHOWN.items():
            assert fields <= set(kind.model_fields), kind

    def test_every_status_and_outcome_has_its_words(self):
        assert set(STATUS) >= set(OPEN)
        assert set(OUTCOME) == set(Outcome)


class TestGauges:
    def test_count_open_reports_and_those_without_a_case(self, office):
        for _ in range(3):
            report_id, _ = office.received()
        office.handling.together([envelope(fact) for fact in a_life(report_id)])

        assert gauges(office) == {("hoiam_open_reports", "received"): 2.0, ("hoiam_reports_without_case", ""): 2.0}

    def test_know_a_report_whose_case_was_opened(self, office):
        report_id, _ = office.received()
        office.handling.together([envelope(a_life(report_id)[0])])

        assert gauges(office) == {("hoiam_open_reports", "received"): 1.0, ("hoiam_reports_without_case", ""): 0.0}


class TestMigration:
    def test_makes_what_the_store_expects(self, office):
        with office.rooms() as session:
            columns = set(
                session.execute(text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'intake'"))
            )

        for table in store.metadata.tables.values():
            assert {(table.name, column.name) for column in table.columns} <= columns
        assert {column for table, column in columns if table == "reports"} == set(reports.c.keys())

    def test_keeps_the_other_services_out(self, office):
        office.received(contact={"phone": "0912345678"})
        with office.rooms() as session:
            rights = text(
                "SELECT rolname FROM pg_roles WHERE rolname LIKE 'hoiam%' AND has_table_privilege(rolname, 'intake.reporters', 'SELECT')"
            )

            assert session.scalars(rights).all() == ["hoiam_intake"]


def gauges(office: Any) -> dict[tuple[str, str], float]:
    with office.rooms() as session:
        families = list(store.gauges(session))
    return {(family.name, sample.labels.get("status", "")): sample.value for family in families for sample in family.samples}


class TestLateness:
    def test_the_public_sees_a_late_answer_but_no_warning_and_no_clock_of_the_centre(self, office):
        report_id, code = office.received()
        late = {"report_id": report_id, "at": LATER[1], "agency": "dh", "due_at": DUE}

        office.handling.together(
            [
                envelope(say.ClockWarned(**late, version=1, clock="resolve", share=0.5)),
                envelope(say.ClockBreached(**late, version=2, clock="approve")),
                envelope(say.ClockBreached(**late, version=3, clock="resolve")),
                envelope(say.ClockEscalated(**late, version=4, clock="resolve", step=1)),
            ]
        )

        told = [(entry["topic"], entry["text"]["vi"]) for entry in office.shown(code)["timeline"][1:]]
        assert [topic for topic, _ in told] == ["clock.breached", "clock.escalated"]
        assert "quá hạn trả lời" in told[0][1]

    def test_of_an_answer_to_a_comment_does_not_move_the_deadline_of_the_report(self, office):
        report_id, code = office.received()
        fields = {"report_id": report_id, "at": LATER[1], "agency": "dh"}
        assigned = say.CaseAssigned(**fields, version=2, due_at=DUE, hop=1)
        late = say.ClockBreached(**fields, version=3, clock="answer", due_at=NEW_DUE)

        office.handling.together([envelope(assigned), envelope(late)])

        assert datetime.fromisoformat(office.shown(code)["due_at"]) == DUE
