"""Webhooks to a real receiver, which verifies with the public library."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from services.cli.process import free_port
from services.notify.channels.choice import deliveries
from services.notify.domain.notices import State
from services.notify.domain.webhooks import RotateSecret
from shared.clock import now
from shared.errors import Refused
from shared.privacy import SealingKeys
from tests.builders import MONDAY, envelope, topics
from tests.notify.conftest import KEYS, SECRET, notices
from tests.notify.stories import everything


class TestWebhooks:
    def test_are_signed_so_that_the_portal_can_tell(self, handling, report_of, hook, by_webhook, receiver):
        report = report_of(tracking_code="QT-1")

        by_webhook.turn(handling)

        [(headers, body)] = receiver.got
        event = Verifier(SECRET).verify(body, headers)
        assert (event["type"], event["data"]["report_id"], event["data"]["status"]) == (
            "report.received",
            str(report.report_id),
            "received",
        )
        assert headers["host"] == receiver.url.split("/")[2]
        assert headers["content-type"] == "application/json; charset=utf-8"

    def test_are_worth_nothing_when_they_are_played_again_later(self, handling, report_of, hook, settings_with, receiver, clock):
        """Who caught one on the way can't use it when its five minutes are over, nor under another id, nor with other words."""
        report_of()
        deliveries(settings_with(), clock)["webhook"].turn(handling)

        [(headers, body)] = receiver.got
        with pytest.raises(WebhookVerificationError, match="too old"):
            Verifier(SECRET).verify(body, headers)

    @pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp"])
    def test_are_worth_nothing_when_they_are_changed(self, handling, report_of, hook, by_webhook, receiver, changed):
        report_of()
        by_webhook.turn(handling)

        [(headers, body)] = receiver.got
        other = {"webhook-id": "msg_another", "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 60)}
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Verifier(SECRET).verify(body, headers | {changed: other[changed]})
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Verifier(SECRET).verify(body + b" ", headers)

    def test_are_signed_by_both_secrets_while_one_is_replaced(self, handling, report_of, hook, by_webhook, receiver, rooms):
        rotate(handling, hook, "whsec_" + "B" * 32, until=now() + timedelta(minutes=5))
        report_of()
        by_webhook.turn(handling)
        with rooms.begin() as session:
            session.execute(text("UPDATE webhooks SET old_until = now() - interval '1 second'"))
        report_of()
        by_webhook.turn(handling)

        during, after = receiver.got
        for secret in (SECRET, "whsec_" + "B" * 32):
            assert Verifier(secret).verify(during[1], during[0])["type"] == "report.received"
        assert Verifier("whsec_" + "B" * 32).verify(after[1], after[0])
        with pytest.raises(WebhookVerificationError):
            Verifier(SECRET).verify(after[1], after[0])

    def test_a_secret_is_replaced_by_one_at_a_time(self, handling, hook):
        rotate(handling, hook, "whsec_" + "B" * 32, until=MONDAY)

        with pytest.raises(Refused) as refused:
            rotate(handling, hook, "whsec_" + "C" * 32, until=MONDAY)

        assert refused.value.code == "secret_changed"

    def test_come_again_under_the_same_id(self, handling, report_of, hook, settings_with, receiver, clock):
        by_webhook = deliveries(settings_with(), clock)["webhook"]
        receiver.status = 500
        report_of()
        by_webhook.turn(handling)
        clock.move(seconds=5)
        receiver.status = 200
        by_webhook.turn(handling)

        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        assert len(receiver.got) == 2

    def test_redirects_lead_nowhere(self, handling, rooms, report_of, hook, by_webhook, receiver, portal):
        inside = portal()
        receiver.status, receiver.headers = 307, {"location": inside.url}
        report_of()

        by_webhook.turn(handling)

        assert (len(receiver.got), inside.calls) == (1, 0)

    def test_tell_the_whole_story_in_order(self, handling, report_of, hook, by_webhook, receiver):
        report = report_of()
        for fact in everything(report):
            handling.together([envelope(fact)])

        by_webhook.turn(handling)

        assert [event["type"] for event in receiver.events] == ["report.received", *(fact.topic for fact in everything(report))]
        assert receiver.events[-1]["data"]["status"] == "closed"

    def test_are_not_about_other_portals_reports(self, handling, report_of, hook, by_webhook, receiver):
        report_of(portal="another")

        assert by_webhook.turn(handling) == 0

    @pytest.mark.parametrize("status", [500, 503, 404, 301, 302])
    def test_anything_but_success_is_tried_again(self, handling, rooms, report_of, hook, by_webhook, receiver, status):
        receiver.status, receiver.headers = status, {"location": receiver.url}
        report = report_of()

        by_webhook.turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.attempts, notice.last_error) == (State.PENDING, 1, f"it answers {status}")
        assert len(receiver.got) == 1

    def test_are_not_called_again_once_they_say_gone(self, handling, rooms, report_of, hook, by_webhook, receiver):
        receiver.status = 410
        report = report_of()

        by_webhook.turn(handling)

        assert notices(rooms, report)[0].state == State.FAILED
        assert notices(rooms, report_of()) == []
        assert topics(rooms) == []

    def test_do_not_lead_into_private_networks(self, handling, rooms, report_of, hook, settings_with, receiver):
        strict = deliveries(settings_with(webhook_allow_loopback=False), now)["webhook"]
        with rooms.begin() as session:
            session.execute(text("UPDATE webhooks SET url = replace(url, 'http:', 'https:')"))
        report = report_of()

        strict.turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.last_error) == (State.FAILED, "a webhook may not lead into private networks")
        assert receiver.got == []

    def test_a_portal_that_is_away_is_left_in_peace_for_a_while(self, handling, rooms, report_of, hook, settings_with, receiver, clock):
        by_webhook = deliveries(settings_with(), clock)["webhook"]
        _move_to(rooms, f"http://127.0.0.1:{free_port()}/hook")
        reports = [report_of() for _ in range(3)]

        by_webhook.turn(handling)
        _move_to(rooms, receiver.url)
        too_early = by_webhook.turn(handling)
        clock.move(seconds=10)
        by_webhook.turn(handling)

        found = [notices(rooms, report)[0] for report in reports]
        assert too_early == 0
        assert {(notice.state, notice.attempts) for notice in found} == {(State.SENT, 0)}
        assert len(receiver.got) == 3


def rotate(handling, hook, secret, *, until):
    sealed = SealingKeys.parse(KEYS).seal(f"{secret} {SECRET}", about=str(hook.report_id))
    asked = RotateSecret(report_id=hook.report_id, at=MONDAY, sealed=sealed, replaces=hook.sealed, old_until=until)
    handling.together([envelope(asked)])


def _move_to(rooms, url):
    with rooms.begin() as session:
        session.execute(text("UPDATE webhooks SET url = :url"), {"url": url})
