"""notify's handlers through the runtime, on a real PostgreSQL."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.notify import store
from services.notify.domain.webhooks import AddWebhook, RotateSecret
from services.notify.handlers import HANDLERS
from services.notify.store.measuring import gauges
from shared.database import Sessions
from shared.errors import NotYet, Refused
from shared.messages import CaseAssigned, CaseResolved, Fact, FollowerReachable, ReporterReachable, ReportReceived
from tests.builders import MONDAY, delivered, envelope, received, topics
from tests.notify.conftest import reachable
from tests.notify.stories import about, everything
from tests.statements import heard


def notices(rooms: Sessions, report: ReportReceived) -> list[str]:
    with rooms() as session:
        return [notice.about for notice in store.notices_about(session, report.report_id) if not notice.address]


class TestBeginTelling:
    def test_a_reporter_with_a_contact_is_told(self, report_of, rooms):
        report = report_of({"email": "lan@example.vn"})

        assert notices(rooms, report) == ["report.received"]

    def test_a_reporter_without_is_not(self, report_of, rooms):
        report = report_of()

        assert notices(rooms, report) == []

    def test_the_same_report_twice_is_told_once(self, handling, rooms):
        report = received(reachable=True)

        handling.together([envelope(report), envelope(report)])
        handling.together([envelope(report)])

        assert notices(rooms, report) == ["report.received"]

    def test_nothing_is_said_before_something_was_sent(self, report_of, rooms):
        report_of({"email": "lan@example.vn"})

        assert topics(rooms) == []


class TestTell:
    def test_each_fact_is_one_notice(self, handling, report_of, rooms):
        report = report_of({"email": "lan@example.vn"})

        for fact in everything(report):
            handling.together([envelope(fact)])
            handling.together([envelope(fact)])

        assert len(notices(rooms, report)) == 13  # what a reporter hears; the rest is for portals

    def test_a_whole_story_in_one_batch(self, handling, rooms):
        report = received(reachable=True)

        handling.together([envelope(reachable(report, {"email": "a@example.vn"})), envelope(report), *map(envelope, everything(report))])

        assert len(notices(rooms, report)) == 13

    def test_before_its_report_it_is_not_yet_time(self, handling):
        with pytest.raises(NotYet):
            handling.together([envelope(about(received(), CaseResolved))])

    def test_in_any_order_nothing_that_matters_is_missed(self, handling, rooms):
        random = Random(7)
        for number in range(20):
            report = received(reachable=True, report_id=uuid4())
            facts: list[Fact] = [report, reachable(report, {"phone": "+84912345678"}), *everything(report)]
            at = MONDAY + timedelta(hours=number)

            handling.deliveries([delivered(fact) for fact in random.sample(facts, len(facts))], at)
            for again in range(1, 4):
                handling.retry_due(at + timedelta(seconds=10 * again))

            heard = notices(rooms, report)
            assert len(heard) == len(set(heard)), "nothing twice"
            assert {"report.received", "case.answered", "case.questioned", "case.resolved", "case.refused", "case.closed"} <= set(heard)

    def test_a_hundred_facts_take_a_handful_of_statements(self, handling, rooms):
        reports = [received(reachable=True) for _ in range(100)]
        handling.together([envelope(report) for report in reports])

        with heard(rooms.kw["bind"]) as statements:
            handling.together([envelope(about(report, CaseAssigned)) for report in reports])

        assert 5 <= len(statements) <= 10, (
            statements
        )  # inbox, subjects, contacts, webhooks, subscriptions, province, notices, subjects in pages


class TestKeepContact:
    def sealed(self, rooms: Sessions, report: ReportReceived) -> str | None:
        with rooms() as session:
            return store.sealed_contact(session, report.report_id)

    def test_stays_sealed(self, handling, rooms):
        report = received(reachable=True)
        told = reachable(report, {"email": "lan@example.vn"})

        handling.together([envelope(told)])

        assert self.sealed(rooms, report) == told.sealed

    def test_the_newest_word_counts_in_whatever_order_it_comes(self, handling, rooms):
        report = received(reachable=True)
        old, new = reachable(report, {"email": "old@example.vn"}), reachable(report, {"email": "new@example.vn"})
        new = new.model_copy(update={"at": report.at + timedelta(days=1)})

        handling.together([envelope(new), envelope(old)])
        handling.together([envelope(old)])

        assert self.sealed(rooms, report) == new.sealed

    def test_no_readable_contact_is_stored_anywhere(self, handling, rooms, report_of):
        report = report_of({"name": "Nguyễn Thị Lan", "email": "canary-lan@example.vn", "phone": "+84912345678"})
        for fact in everything(report):
            handling.together([envelope(fact)])

        with rooms() as session:
            for table in ("subjects", "contacts", "notices", "outbox", "held", "inbox"):
                rows = str(session.execute(text(f"SELECT t::text FROM {table} t")).all())
                assert not [canary for canary in ("canary", "912345678", "Thị Lan") if canary in rows], table


class TestAddWebhook:
    def asked(self, **fields: Any) -> AddWebhook:
        usual = {"report_id": uuid4(), "at": MONDAY, "portal": "app", "url": "https://portal.example/hook", "sealed": "s"}
        return AddWebhook(**usual | fields)

    def test_from_then_on_the_portals_reports_are_told_there(self, handling, report_of, rooms):
        handling.together([envelope(self.asked()), envelope(self.asked(portal="other"))])

        report = report_of(portal="app")

        assert notices(rooms, report) == ["report.received"]

    def test_the_same_address_twice_is_refused(self, handling):
        handling.together([envelope(self.asked())])

        with pytest.raises(Refused) as refused:
            handling.together([envelope(self.asked())])

        assert refused.value.code == "webhook_exists"


class TestHandlers:
    def test_contacts_are_the_only_thing_heard_of_who_reports_and_who_follows(self):
        sealed = [kind for kind in HANDLERS if "sealed" in getattr(kind, "model_fields", {})]
        assert sealed == [ReporterReachable, FollowerReachable, AddWebhook, RotateSecret]


class TestGauges:
    def samples(self, rooms: Sessions) -> dict[tuple[str, str, str], float]:
        with rooms() as session:
            families = list(gauges(session))
        return {(s.name, s.labels.get("state", ""), s.labels.get("channel", "")): s.value for family in families for s in family.samples}

    def test_count_what_waits_and_how_long(self, rooms, report_of):
        report_of({"email": "lan@example.vn"}, at=MONDAY - timedelta(days=400))

        samples = self.samples(rooms)

        assert samples["hoiam_notices", "pending", "reporter"] == 1
        assert samples["hoiam_oldest_pending_notice_seconds", "", "reporter"] > 0

    def test_are_calm_when_nothing_waits(self, rooms):
        assert not any(self.samples(rooms).values())
