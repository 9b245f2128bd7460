"""A letter answered by SMTP is a comment in intake; machines, strangers and hostile mails are not."""

import smtplib

from services.cli.process import free_port
from services.notify.domain.replies import Token, Whose
from shared import messages as say
from shared.clock import now
from tests.builders import envelope
from tests.notify.conftest import LINK_KEY
from tests.notify.replies.conftest import ANSWER, door_of
from tests.notify.test_followers import asking, confirmed

HOSTILE = [
    b"",
    b"\x00\xff\xfe" * 500,
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 300,
    b"Content-Type: text/plain; charset=no-such-charset\r\n\r\n\xff\xff\xff",
    b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
    b"Content-Type: text/html\r\n\r\n" + b"<div>" * 10_000,
    b"Message-ID: " + b"<" * 900 + b"\r\n\r\nhi there",
    b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n",
]


class TestReply:
    def test_is_the_reporters_word_in_intake_without_what_it_quotes(self, street):
        report = street.reported()
        letter = street.letter()
        quoted = "\n".join(f"> {line}" for line in letter.get_body(("plain",)).get_content().splitlines())

        answer = street.send(
            letter["Reply-To"], f"{ANSWER}\n\nVào Th 2, 16 thg 11, 2026 vào lúc 08:01 Hồi Âm\n<x@y.example> đã viết:\n\n{quoted}"
        )

        assert answer == (250, "2.0.0 it is with the agency")
        [word] = street.comments(report)
        assert word.startswith("Đèn vẫn chưa sáng. Gọi tôi số ")
        assert "0987654321" not in word, "screened, as every word that goes to agencies"
        assert "Kính gửi" not in word

    def test_goes_to_an_address_that_is_its_letters_envelope_too(self, street):
        street.reported()

        letter = street.letter()

        assert letter["Reply-To"].startswith("reply+")
        assert letter["Reply-To"].endswith("@hoiam.example")
        assert len(letter["Reply-To"].partition("@")[0]) <= 64, "RFC 5321, 4.5.3.1.1"

    def test_the_same_mail_twice_is_one_word(self, street):
        report = street.reported()
        to, mail = street.letter()["Reply-To"], b"From: a@example.vn\r\nMessage-ID: <1@example.vn>\r\n\r\nstill dark\r\n"

        answers = [street.hand_over(to, mail)[0] for _ in range(2)]

        assert answers == [250, 250]
        assert street.comments(report) == ["still dark"]

    def test_in_html_alone_is_read(self, street):
        report = street.reported()
        html = "<p>Đèn v&#7851;n tắt</p><blockquote>Kính gửi ông/bà</blockquote><script>x()</script>"
        mail = f"From: a@example.vn\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n".encode()

        assert street.hand_over(street.letter()["Reply-To"], mail)[0] == 250
        assert street.comments(report) == ["Đèn vẫn tắt"]

    def test_of_a_machine_is_thanked_and_not_heard(self, street):
        report = street.reported()
        to = street.letter()["Reply-To"]
        marks = ({"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<x.example>"}, {"X_Autoreply": "yes"})

        assert {street.send(to, **mark) for mark in marks} == {(250, "2.0.0 machines are not heard")}
        assert street.send(to, sender="")[1] == "2.0.0 machines are not heard"
        assert street.comments(report) == []

    def test_of_our_own_letters_is_not_heard_so_nothing_goes_in_circles(self, street):
        report = street.reported()
        letter = street.letter()

        assert street.hand_over(letter["Reply-To"], letter.as_bytes())[0] == 250
        assert street.comments(report) == []

    def test_to_an_address_that_was_guessed_is_refused_at_the_door(self, street):
        report = street.reported()
        to = street.letter()["Reply-To"]
        forged = Token(whose=Whose.REPORTER, id=report.report_id, mac=bytes(12)).address(to)

        for guessed in (forged, to.replace("reply+", "reply+a"), "lan@hoiam.example"):
            assert street.send(guessed) == (550, "5.1.1 no such address")

    def test_to_a_letter_that_came_before_the_contact_did_is_taken(self, street):
        """Of a receipt that was written before ``reporter.reachable`` was heard."""
        report = street.reported()
        to = street.letter()["Reply-To"]
        early = Token.made(LINK_KEY, Whose.REPORTER, report.report_id, f"reporter:{report.report_id}").address(to)

        assert early != to
        assert street.send(early)[0] == 250

    def test_of_who_was_forgotten_is_refused(self, street):
        report = street.reported()
        to = street.letter()["Reply-To"]
        street.handling.together([envelope(say.ReporterErased(report_id=report.report_id, at=now()))])

        assert street.send(to)[0] == 550

    def test_of_a_follower_is_refused_with_the_reason(self, street):
        report = street.reported()
        asked = asking(report)
        street.handling.together([envelope(asked), envelope(confirmed(asked))])
        street.letter()
        [letter] = [mail for mail in street.mail_server.mail if mail["To"] == "binh@example.vn"]

        assert street.send(letter["Reply-To"]) == (550, "5.7.1 only who sent the report can write to it")
        assert street.comments(report) == []

    def test_without_words_or_with_too_many_says_so(self, street):
        report = street.reported()
        to = street.letter()["Reply-To"]

        assert street.send(to, "> quoted\n") == (550, "5.6.0 there are no words of yours in it")
        assert street.send(to, "dài " * 1500)[1].startswith("5.6.0 it is longer than 4000 letters")
        assert street.comments(report) == []

    def test_waits_at_the_mail_server_while_intake_is_away(self, street, settings_with):
        street.reported()
        to = street.letter()["Reply-To"]
        nowhere = f"http://127.0.0.1:{free_port()}"
        street.settings = street.settings.model_copy(update={"reply_listen": f"127.0.0.1:{free_port()}", "intake_url": nowhere})

        with door_of(street.settings, street.handling):
            answer = street.send(to)

        assert answer == (451, "4.3.0 it can't be taken now")

    def test_too_large_is_refused(self, street):
        street.reported()

        assert street.send(street.letter()["Reply-To"], "x\n" * 80_000)[0] == 552

    def test_to_two_at_once_is_asked_one_by_one(self, street):
        street.reported()
        to = street.letter()["Reply-To"]
        host, _, port = street.settings.reply_listen.partition(":")

        with smtplib.SMTP(host, int(port), timeout=10) as smtp:
            smtp.ehlo("x.example")
            smtp.mail("a@example.vn")
            assert [smtp.rcpt(to)[0] for _ in range(2)] == [250, 452]

    def test_that_is_hostile_breaks_nothing(self, street):
        report = street.reported()
        to = street.letter()["Reply-To"]

        for content in HOSTILE:
            assert street.hand_over(to, content)[0] in {250, 550, 554}, content[:60]
        assert street.send(to)[0] == 250
        assert street.comments(report)[-1].startswith("Đèn vẫn chưa sáng")
