"""Letters: through a real mail server, and into a real folder."""

import socket
import ssl
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from services.cli.process import free_port
from services.notify.channels import Addressee
from services.notify.channels.choice import deliveries
from services.notify.channels.mail import mail
from services.notify.domain.notices import JITTER, LADDER, Notice, State
from shared.access import link_secret
from shared.clock import now
from shared.messages import CaseResolved, NoticeDelivered, NoticeFailed
from tests.builders import MONDAY, envelope, said, topics
from tests.notify.conftest import LAN, LINK_KEY, MailServer, mail_server_at, notices
from tests.notify.stories import about


class TestEmail:
    def test_arrives_as_it_was_written(self, handling, rooms, report_of, by_mail, mail_server):
        report = report_of(LAN, tracking_code="QT-2026-000123")

        by_mail.turn(handling)

        [mail] = mail_server.mail
        assert mail["Subject"] == "Đã nhận phản ánh QT-2026-000123"
        assert mail["From"] == "Hồi Âm <no-reply@hoiam.example>"
        assert mail["To"] == "lan@example.vn"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Content-Language"] == "vi"
        link = f"https://hoiam.example/tra-cuu/QT-2026-000123#{link_secret(LINK_KEY, report.report_id)}"
        assert f"Xem quá trình xử lý: {link}" in mail.get_body(("plain",)).get_content()
        assert f'<a href="{link}">' in mail.get_body(("html",)).get_content()

    def test_that_arrived_is_recorded_and_said(self, handling, rooms, report_of, by_mail):
        report = report_of(LAN)

        by_mail.turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.channel, notice.sent_at) == (State.SENT, "email", MONDAY)
        [delivered] = said(rooms)
        assert isinstance(delivered, NoticeDelivered)
        assert (delivered.channel, delivered.about, delivered.notice_id) == ("email", "report.received", notice.id)

    def test_that_was_recorded_is_never_sent_again(self, handling, report_of, by_mail, mail_server, clock):
        report_of(LAN)

        by_mail.turn(handling)
        clock.move(days=2)

        assert by_mail.turn(handling) == 0
        assert len(mail_server.mail) == 1

    def test_about_one_report_hangs_together(self, handling, report_of, by_mail, mail_server, clock):
        report = report_of(LAN)
        handling.together([envelope(about(report, CaseResolved))])
        clock.move(hours=1)

        by_mail.turn(handling)

        first, second = mail_server.mail
        assert first["References"] == second["References"] == f"<report.{report.report_id}@hoiam.example>"
        assert first["In-Reply-To"] == second["In-Reply-To"] == first["References"]
        assert first["Message-ID"] != second["Message-ID"]

    def test_many_go_through_few_connections(self, handling, report_of, by_mail, mail_server):
        for _ in range(15):
            report_of(LAN)

        by_mail.turn(handling)

        assert len(mail_server.mail) == 15
        assert mail_server.connections <= by_mail.channel.at_once

    def test_refused_for_now_is_tried_again(self, handling, rooms, report_of, by_mail, mail_server, clock):
        report = report_of(LAN)
        mail_server.refuse["lan@example.vn"] = "452 4.2.2 Mailbox of lan@example.vn full"

        by_mail.turn(handling)
        [waiting] = notices(rooms, report)
        mail_server.refuse.clear()
        too_early = by_mail.turn(handling)
        clock.move(seconds=10)
        by_mail.turn(handling)

        assert (waiting.state, waiting.attempts) == (State.PENDING, 1)
        assert MONDAY + LADDER[0] * (1 - JITTER) <= waiting.due_at <= MONDAY + LADDER[0]
        assert waiting.last_error == "the mail server refuses it: 452 4.2.2"
        assert too_early == 0
        assert len(mail_server.mail) == 1
        assert topics(rooms) == ["notice.delivered"]

    def test_refused_for_good_fails_at_once(self, handling, rooms, report_of, by_mail, mail_server):
        report = report_of(LAN)
        mail_server.refuse["lan@example.vn"] = "550 5.1.1 lan@example.vn: no such user"

        by_mail.turn(handling)

        [failed] = said(rooms)
        assert isinstance(failed, NoticeFailed)
        assert (failed.channel, failed.reason) == ("email", "the mail server refuses it: 550 5.1.1")
        assert notices(rooms, report)[0].state == State.FAILED

    def test_ends_by_one_click_of_the_mail_program(self):
        """RFC 8058: an https address that is asked by POST, without a question back."""
        usual = {"about": "case.closed", "channel": "email", "language": "vi", "subject": "Chào", "body": "Chào"}
        notice = Notice(id=uuid4(), report_id=uuid4(), created_at=MONDAY, due_at=MONDAY, **usual)

        message = mail(notice, Addressee(address="lan@example.vn", leave="https://hoiam.example/leave/abc"), sender="a@example.vn")

        assert message["List-Unsubscribe"] == "<https://hoiam.example/leave/abc>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_one_refusal_does_not_hold_up_the_others(self, handling, report_of, by_mail, mail_server):
        mail_server.refuse["no@example.vn"] = "550 5.1.1 no such user"
        for name in ("no", "yes", "no", "yes"):
            report_of({"email": f"{name}@example.vn"})

        by_mail.turn(handling)

        assert [mail["To"] for mail in mail_server.mail] == ["yes@example.vn", "yes@example.vn"]

    def test_with_a_password_in_the_url_logs_in(self, handling, report_of, settings_with, mail_server, clock):
        report_of(LAN)
        url = f"smtp://pa:s3cret%3A%2F%40@127.0.0.1:{mail_server.port}"

        deliveries(settings_with(smtp_url=url), clock)["email"].turn(handling)

        assert len(mail_server.mail) == 1

    def test_a_wrong_password_is_no_fault_of_the_notice(self, handling, rooms, report_of, settings_with, mail_server, clock):
        report = report_of(LAN)
        url = f"smtp://pa:wrong@127.0.0.1:{mail_server.port}"

        deliveries(settings_with(smtp_url=url), clock)["email"].turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.last_error) == (State.PENDING, "the mail server does not answer: SMTPAuthenticationError")

    def test_with_the_mail_server_away_all_wait_and_none_is_to_blame(self, handling, rooms, report_of, settings_with, clock):
        reports = [report_of(LAN) for _ in range(3)]
        nobody = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{free_port()}"), clock)["email"]

        nobody.turn(handling)
        too_early = nobody.turn(handling)

        found = [notices(rooms, report)[0] for report in reports]
        assert {(notice.state, notice.attempts, notice.claimed_until) for notice in found} == {(State.PENDING, 0, None)}
        assert "the mail server does not answer: ConnectionRefusedError" in {notice.last_error for notice in found}
        assert too_early == 0

    @pytest.mark.parametrize(
        "address", ["a@example.vn\nBcc: all@example.vn", "a@example.vn, c@example.vn", "lan@exämple.test", "lan", "@", ""]
    )
    def test_an_address_that_is_more_or_less_than_one_gets_nothing(self, handling, rooms, report_of, by_mail, mail_server, address):
        report = report_of({"email": address})

        by_mail.turn(handling)

        assert mail_server.mail == []
        assert notices(rooms, report)[0].state == State.FAILED

    def test_no_line_of_a_subject_becomes_a_header(self, handling, report_of, by_mail, mail_server):
        report_of(LAN, tracking_code="QT-1\r\nBcc: all@example.vn")

        by_mail.turn(handling)

        [mail] = mail_server.mail
        assert mail["Bcc"] is None
        assert mail["Subject"] == "Đã nhận phản ánh QT-1 Bcc: all@example.vn"


class TestEncryption:
    """To a server of another machine; 127.0.0.1 is trusted, so these ask for `mail.test`, which means the same here."""

    @pytest.fixture
    def secure(self, tmp_path, monkeypatch) -> MailServer:
        certificate, key = certificate_for("mail.test", tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        with mail_server_at(tls_context=context) as server:
            yield server

    @pytest.fixture(autouse=True)
    def _mail_test_is_here(self, monkeypatch):
        really = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *more, **how: really("127.0.0.1" if host.endswith(".test") else host, *more, **how)
        )

    def test_is_begun_where_it_is_offered(self, handling, report_of, settings_with, secure, clock):
        report_of(LAN)

        deliveries(settings_with(smtp_url=f"smtp://mail.test:{secure.port}"), clock)["email"].turn(handling)

        assert len(secure.mail) == 1
        assert secure.encrypted == {True}

    def test_with_a_server_of_another_name_nothing_is_sent(self, handling, rooms, report_of, settings_with, secure, clock):
        report = report_of(LAN)

        deliveries(settings_with(smtp_url=f"smtp://other.test:{secure.port}"), clock)["email"].turn(handling)

        assert secure.mail == []
        assert notices(rooms, report)[0].last_error == "the mail server does not answer: SSLCertVerificationError"

    def test_no_letter_is_given_to_who_offers_none(self, handling, rooms, report_of, settings_with, mail_server, clock):
        """Somebody on the way may have taken the offer out."""
        report = report_of(LAN)

        deliveries(settings_with(smtp_url=f"smtp://mail.test:{mail_server.port}"), clock)["email"].turn(handling)

        assert mail_server.mail == []
        assert notices(rooms, report)[0].last_error == "the mail server offers no encryption, so no letter is given to it"

    def test_is_done_without_where_that_is_allowed(self, handling, report_of, settings_with, mail_server, clock):
        report_of(LAN)

        deliveries(settings_with(smtp_url=f"smtp://mail.test:{mail_server.port}", smtp_plain=True), clock)["email"].turn(handling)

        assert len(mail_server.mail) == 1


def certificate_for(name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = now() - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "certificate.pem", folder / "key.pem"


class TestMailboxFolder:
    def test_is_readable_by_people_and_by_mail_programs(self, handling, report_of, into_folder, tmp_path):
        report_of(LAN, tracking_code="QT-1")

        into_folder.turn(handling)

        [letter] = (tmp_path / "mailbox").glob("*.eml")
        assert "Subject: Đã nhận phản ánh QT-1" in letter.read_text(encoding="utf-8")
        assert "Kính gửi ông/bà," in letter.read_text(encoding="utf-8")
        assert message_from_bytes(letter.read_bytes(), policy=default)["To"] == "lan@example.vn"
        assert (tmp_path / "mailbox/index.txt").read_text(encoding="utf-8") == (
            f"2026-11-16 01:00:00Z  report.received   Đã nhận phản ánh QT-1  {letter.name}\n"
        )

    def test_the_same_letter_twice_is_one_file_and_one_line(self, handling, rooms, report_of, into_folder, tmp_path):
        report = report_of(LAN)

        into_folder.turn(handling)
        before = {path.name: path.read_bytes() for path in (tmp_path / "mailbox").iterdir()}
        with rooms.begin() as session:
            session.execute(text("UPDATE notices SET state = 'pending'"))
        into_folder.turn(handling)

        assert {path.name: path.read_bytes() for path in (tmp_path / "mailbox").iterdir()} == before
        assert notices(rooms, report)[0].channel == "mailbox"
