"""The wire form, with the CloudEvents SDK as the judge."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import LARGEST, Envelope, Malformed, decode, encode, letter
from shared.messages import AGENCY_REQUESTS, FACTS, MESSAGES, TO_AGENCY, AcceptCase, ReportReceived
from tests.builders import MONDAY, asked, envelope, received


class TestEncode:
    def test_what_goes_out_comes_back_the_same(self):
        sealed = envelope(received(description="Đèn đường hỏng – “tối om”"))

        assert decode(encode(sealed)) == sealed

    def test_the_cloudevents_sdk_reads_it_as_a_valid_event(self):
        sealed = envelope(received())

        body = encode(sealed)
        event = from_structured_event(HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=body), JSONFormat())

        assert event.get_id() == str(sealed.id)
        assert event.get_type() == "vn.hoiam.report.received.v1"
        assert event.get_subject() == str(sealed.message.report_id)
        assert event.get_time() == sealed.message.at

    def test_who_asks_is_never_in_the_body(self):
        body = encode(envelope(asked(AcceptCase, uuid4())))

        assert b"agency:dh" not in body

    def test_a_letter_is_addressed_by_what_it_says(self):
        sent = letter(envelope(asked(AcceptCase, uuid4())))

        assert (sent.exchange, sent.routing_key) == ("hoiam.requests", "dh.accept")


class TestDecode:
    def test_unknown_fields_are_ignored_so_that_messages_can_grow(self):
        event = json.loads(encode(envelope(received())))
        event["data"]["mood"], event["weather"] = "hopeful", "rain"

        assert isinstance(decode(json.dumps(event).encode()).message, ReportReceived)

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"subject": "not-a-uuid"}, "subject"),
            ({"time": "yesterday"}, "time"),
            ({"time": "2026-11-16T08:00:00"}, "time"),
            ({"id": "7"}, "UUID"),
            ({"data": []}, "data must be an object"),
            ({"data": {"category": 7}}, "data.tracking_code"),
            ({"type": "vn.hoiam.report.received.v2"}, "unknown event type"),
            ({"specversion": "0.3"}, "CloudEvents 1.0"),
        ],
    )
    def test_what_is_wrong_is_named(self, change, complaint):
        event = json.loads(encode(envelope(received()))) | change

        with pytest.raises(Malformed, match=complaint):
            decode(json.dumps(event).encode())

    def test_an_event_over_the_limit_is_not_parsed(self):
        with pytest.raises(Malformed, match="at most"):
            decode(b" " * (LARGEST + 1))

    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_no_body_whatever_brings_anything_but_a_refusal(self, body):
        with pytest.raises(Malformed):
            decode(body)

    def test_the_stated_time_of_a_stranger_is_replaced_by_ours(self):
        at = datetime(2026, 1, 1, tzinfo=UTC)

        assert decode(encode(envelope(asked(AcceptCase, uuid4()))), received_at=at).message.at == at
        assert decode(encode(envelope(received()))).message.at == MONDAY


class TestRegistry:
    def test_every_message_has_a_topic_of_its_own(self):
        kinds = [*(kind for kinds in FACTS.values() for kind in kinds), *AGENCY_REQUESTS, *TO_AGENCY]

        assert len({kind.topic for kind in kinds}) == len(kinds)
        assert all(MESSAGES[kind.topic] is kind for kind in kinds)

    def test_a_message_said_because_of_another_belongs_to_its_conversation(self):
        cause = envelope(received())

        effect = Envelope.of(received(), source="sla", cause=cause)

        assert (effect.correlation_id, effect.traceparent) == (cause.correlation_id, cause.traceparent)
        assert effect.id != cause.id
