"""Letters that come back, and addresses that are nobody's."""

from uuid import UUID

from services.notify.channels.choice import deliveries
from services.notify.domain.notices import State
from services.notify.store.reaching import dead_channels
from services.notify.store.restraint import let_go
from shared import messages as say
from shared.clock import now
from tests.builders import envelope, received, topics
from tests.notify.conftest import notices, reachable
from tests.notify.replies.conftest import LAN
from tests.notify.stories import about
from tests.notify.test_restraint import RULES


def a_bounce(notice_id: UUID, status: str, action: str = "failed") -> bytes:
    """RFC 3464, as mail servers write it."""
    return (
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; lan@example.vn\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{notice_id}@hoiam.example>\r\n\r\n--b--\r\n"
    ).encode()


class TestBounce:
    def test_of_an_address_that_is_nobodys_is_said_and_ends_the_letters_there(self, street, rooms):
        report = street.reported({"email": "lan@example.vn"})
        to = street.letter()["Reply-To"]
        [notice] = notices(rooms, report)

        assert street.hand_over(to, a_bounce(notice.id, "5.1.1"), sender="") == (250, "2.0.0 noted")
        street.clock.at = now()
        street.delivery.turn(street.handling)

        assert topics(rooms) == ["notice.delivered", "notice.failed"]
        [after] = notices(rooms, report)
        assert (after.state, after.last_error) == (State.FAILED, "no channel reaches this contact")

    def test_goes_by_telephone_instead_where_there_is_a_gateway(self, street, rooms, settings_with, receiver):
        receiver.status = 200
        settings = street.settings.model_copy(update={"sms_gateway_url": receiver.url})
        street.delivery, sms = (deliveries(settings, street.clock)[name] for name in ("email", "sms"))
        report = street.reported()
        to = street.letter()["Reply-To"]
        [notice] = notices(rooms, report)

        street.hand_over(to, a_bounce(notice.id, "5.1.1"), sender="")
        street.clock.at = now()
        street.delivery.turn(street.handling)
        sms.turn(street.handling)

        [after] = notices(rooms, report)
        assert (after.state, after.channel) == (State.SENT, "sms")

    def test_that_is_none_changes_nothing(self, street, rooms):
        report = street.reported()
        to = street.letter()["Reply-To"]
        [notice] = notices(rooms, report)

        for status, action in (("4.2.2", "delayed"), ("5.1.1", "delivered"), ("4.4.1", "failed")):
            assert street.hand_over(to, a_bounce(notice.id, status, action), sender="")[0] == 250

        assert notices(rooms, report)[0].state == State.SENT

    def test_for_another_reason_fails_that_letter_alone(self, street, rooms):
        report = street.reported()
        to = street.letter()["Reply-To"]
        [notice] = notices(rooms, report)

        street.hand_over(to, a_bounce(notice.id, "5.7.1"), sender="")

        assert topics(rooms) == ["notice.delivered", "notice.failed"]
        assert notices(rooms, report)[0].last_error == "the letter came back: 5.7.1"

    def test_names_another_persons_letter_in_vain(self, street, rooms):
        mine, other = street.reported({"email": "mine@example.vn"}), street.reported({"email": "other@example.vn"})
        street.letter()
        [letter] = [mail for mail in street.mail_server.mail if mail["To"] == "mine@example.vn"]
        [others] = notices(rooms, other)

        street.hand_over(letter["Reply-To"], a_bounce(others.id, "5.1.1"), sender="")

        assert notices(rooms, other)[0].state == State.SENT
        assert notices(rooms, mine)[0].state == State.SENT

    def test_at_the_door_of_the_mail_server_ends_the_letters_there_too(self, held, rooms, mail_server, settings_with, clock):

        mail_server.refuse["lan@example.vn"] = "550 5.1.1 no such user"
        report = received(reachable=True)
        for fact in (reachable(report, LAN).model_copy(update={"person": "hash"}), report):
            held.together([envelope(fact)])
        by_mail = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)["email"]
        held.keep(lambda session: let_go(session, RULES, clock()))
        by_mail.turn(held)
        connections = mail_server.connections
        held.together([envelope(about(report, say.CaseResolved))])
        clock.move(hours=1)
        held.keep(lambda session: let_go(session, RULES, clock()))
        by_mail.turn(held)

        with rooms() as session:
            assert dead_channels(session, ["hash"]) == {"hash": {"email"}}
        assert [notice.last_error for notice in notices(rooms, report)] == [
            "the mail server refuses it: 550 5.1.1",
            "no channel reaches this contact",
        ]
        assert mail_server.connections == connections
