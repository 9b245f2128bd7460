"""Gateways for short messages and Zalo: the simple one, those that are data, and what is wrong with data."""

import json

import pytest

from services.notify.channels.choice import deliveries
from services.notify.channels.gateways import BrokenGateway, Gateway, GatewayChannel, Secrets, read_gateways
from services.notify.domain.notices import State
from shared.access import link_secret
from shared.messages import CaseResolved
from shared.settings import PROJECT
from tests.builders import envelope, said
from tests.notify.conftest import LINK_KEY, notices
from tests.notify.stories import about

PHONE = {"phone": "+84912345678"}


class TestSms:
    def test_reaches_who_left_only_a_number(self, handling, rooms, report_of, settings_with, receiver, clock):
        report = report_of({"phone": "+84912345678"}, tracking_code="QT-1")

        deliveries(settings_with(sms_gateway_url=receiver.url), clock)["sms"].turn(handling)

        [(_, body)] = receiver.got
        link = f"https://hoiam.example/tra-cuu/QT-1#{link_secret(LINK_KEY, report.report_id)}"
        assert json.loads(body) == {
            "id": str(notices(rooms, report)[0].id), "to": "+84912345678", "text": f"Đã nhận phản ánh QT-1. {link}"
        }  # fmt: skip
        assert said(rooms)[0].channel == "sms"

    @pytest.mark.parametrize(("status", "state"), [(503, State.PENDING), (429, State.PENDING), (401, State.PENDING), (422, State.FAILED)])
    def test_a_gateway_may_refuse_for_now_or_for_good(self, handling, rooms, report_of, settings_with, receiver, clock, status, state):
        receiver.status = status
        report = report_of({"phone": "+84912345678"})

        deliveries(settings_with(sms_gateway_url=receiver.url), clock)["sms"].turn(handling)

        assert notices(rooms, report)[0].state == state

    def test_without_a_gateway_nothing_reaches_them(self, handling, rooms, report_of, into_folder):
        report_of({"phone": "+84912345678"})

        into_folder.turn(handling)

        assert said(rooms)[0].reason == "no channel reaches this contact"


@pytest.fixture
def gateways(tmp_path):
    """The example of the documentation, with its secrets, calling the receiver."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("sms_key", "zalo_token"):
        (secrets / name).write_text(f"the {name}\n", encoding="utf-8")

    def at(url: str, example: str = (PROJECT / "deploy/gateways.example.yaml").read_text(encoding="utf-8")) -> dict[str, object]:
        path = tmp_path / "gateways.yaml"
        path.write_text(example.replace("https://sms.example.vn", url).replace("https://business.openapi.zalo.me", url), encoding="utf-8")
        return {"gateways_file": path, "gateway_secrets_dir": secrets}

    return at


class TestExample:
    def test_zalo_gets_what_it_has_a_template_for(self, handling, rooms, report_of, settings_with, receiver, clock, gateways):
        receiver.status, receiver.answer = 200, b'{"error": 0}'
        report = report_of(PHONE, tracking_code="QT-1")

        deliveries(settings_with(**gateways(receiver.url)), clock)["zns"].turn(handling)

        [(headers, body)] = receiver.got
        [notice] = notices(rooms, report)
        assert headers["access_token"] == "the zalo_token"
        assert json.loads(body) == {
            "phone": "84912345678",
            "template_id": "200001",
            "template_data": {
                "tracking_code": "QT-1",
                "link": f"https://hoiam.example/tra-cuu/QT-1#{link_secret(LINK_KEY, report.report_id)}",
            },
            "tracking_id": str(notice.id),
        }
        assert (notice.state, notice.channel) == (State.SENT, "zns")

    def test_who_has_no_zalo_gets_a_short_message(self, handling, rooms, report_of, settings_with, receiver, clock, gateways):
        receiver.status, receiver.answer = 200, b'{"error": -118}'
        report = report_of(PHONE, tracking_code="QT-1")
        loops = deliveries(settings_with(**gateways(receiver.url)), clock)

        loops["zns"].turn(handling)
        receiver.answer = b'{"result": "ok"}'
        loops["sms"].turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.channel, notice.tried) == (State.SENT, "sms", ["zns"])
        assert json.loads(receiver.got[1][1])["text"].startswith("Da nhan phan anh QT-1. https://")

    def test_what_zalo_has_no_template_for_goes_by_short_message_at_once(
        self, handling, rooms, report_of, settings_with, receiver, clock, gateways
    ):
        report = report_of(PHONE)
        handling.together([envelope(about(report, CaseResolved))])
        clock.move(hours=1)
        plan = gateways(receiver.url, "[{name: zns, url: 'https://business.openapi.zalo.me/', templates: {report.received: '1'}}]")
        loops = deliveries(settings_with(**plan, sms_gateway_url=receiver.url), clock)

        loops["sms"].turn(handling)

        assert [(notice.about, notice.channel) for notice in notices(rooms, report)] == [
            ("report.received", "zns"),
            ("case.resolved", "sms"),
        ]

    def test_an_answer_that_says_neither_is_tried_again(self, handling, rooms, report_of, settings_with, receiver, clock, gateways):
        receiver.status, receiver.answer = 200, b"<html>maintenance of +84912345678</html>"
        report = report_of(PHONE)

        deliveries(settings_with(**gateways(receiver.url)), clock)["zns"].turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.attempts, notice.last_error) == (State.PENDING, 1, "the gateway zns answers 200: not now")

    def test_a_secret_that_is_renewed_is_used_at_once(self, handling, report_of, settings_with, receiver, clock, gateways, tmp_path):
        receiver.status, receiver.answer = 200, b'{"error": 0}'
        loop = deliveries(settings_with(**gateways(receiver.url)), clock)["zns"]
        for token in ("first", "second"):
            (tmp_path / "secrets/zalo_token").write_text(token, encoding="utf-8")
            report_of(PHONE)
            loop.turn(handling)

        assert [headers["access_token"] for headers, _ in receiver.got] == ["first", "second"]

    def test_a_secret_that_is_missing_loses_nothing(self, handling, rooms, report_of, settings_with, receiver, clock, gateways, tmp_path):
        plan = gateways(receiver.url)
        (tmp_path / "secrets/zalo_token").unlink()
        report = report_of(PHONE)

        deliveries(settings_with(**plan), clock)["zns"].turn(handling)

        assert notices(rooms, report)[0].state == State.PENDING
        assert receiver.calls == 0


class TestGateway:
    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"body": '{"to": {{ phone | tojson }}}'}, "nothing is called phone"),
            ({"body": '{"text": "{{ text }}"}'}, "needs `| tojson`"),
            ({"body": "{% if %}"}, "Expected an expression"),
            ({"url": "https://x.example/?to={{ to }}"}, "needs `| urlencode`"),
            ({"sent": "status =="}, "unexpected"),
            ({"body": "{{ text.__class__.__mro__ }}"}, "unsafe"),
        ],
    )
    def test_that_can_not_work_is_refused_at_the_start(self, fields, complaint):
        with pytest.raises(BrokenGateway, match=complaint):
            GatewayChannel(Gateway(**{"url": "https://x.example/"} | fields), Secrets(None))

    @pytest.mark.parametrize("url", ["https://{{ to }}.example/", "file:///etc/passwd", "https:///x"])
    def test_no_value_chooses_where_it_goes(self, url):
        with pytest.raises(ValueError, match="url"):
            Gateway(url=url)

    @pytest.mark.parametrize(
        "content", ["- {name: email, url: 'https://x.example/'}", "- {url: 7}", "{", "- {url: 'https://x.example/', by: 1}"]
    )
    def test_a_file_that_can_not_be_read_says_so(self, tmp_path, content):
        (tmp_path / "gateways.yaml").write_text(content, encoding="utf-8")

        with pytest.raises(BrokenGateway, match=r"gateways\.yaml"):
            read_gateways(tmp_path / "gateways.yaml")

    def test_what_people_wrote_is_a_value_and_nothing_else(self, handling, report_of, settings_with, receiver, clock):
        report_of(PHONE, tracking_code='QT-1", "to": "{{ 7 * 7 }}\r\nx-evil: 1')

        deliveries(settings_with(sms_gateway_url=receiver.url), clock)["sms"].turn(handling)

        [(headers, body)] = receiver.got
        assert json.loads(body)["to"] == "+84912345678"
        assert "{{ 7 * 7 }}" in json.loads(body)["text"]
        assert "x-evil" not in headers

    def test_secrets_are_files_of_their_folder_only(self, tmp_path):
        (tmp_path / "outside").write_text("x", encoding="utf-8")
        (tmp_path / "inside").mkdir()

        with pytest.raises(KeyError):
            Secrets(tmp_path / "inside")["../outside"]
