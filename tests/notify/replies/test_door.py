"""The door for mail lets in so many at a time, so many mails a minute, and with a certificate nobody who speaks openly."""

import smtplib
import ssl
from contextlib import ExitStack
from typing import Any

import pytest

from services.cli.process import free_port
from services.notify.settings import NotifySettings
from tests.notify.replies.conftest import door_of
from tests.notify.test_mail import certificate_for
from tests.wait import until


@pytest.fixture
def opened(settings_with: Any, handling: Any, tmp_path: Any) -> Any:
    """A door with these settings, closed again in the end."""
    with ExitStack() as stack:

        def at(**fields: Any) -> NotifySettings:
            settings = settings_with(reply_address="reply@hoiam.example", reply_listen=f"127.0.0.1:{free_port()}", **fields)
            stack.enter_context(door_of(settings, handling))
            return settings

        yield at


def knock(settings: NotifySettings) -> smtplib.SMTP:
    host, _, port = settings.reply_listen.partition(":")
    return smtplib.SMTP(host, int(port), timeout=10)


def may_knock(settings: NotifySettings) -> bool:
    try:
        knock(settings).quit()
    except smtplib.SMTPResponseException:
        return False
    return True


class TestConnections:
    def test_are_so_many_at_a_time_and_who_leaves_makes_room(self, opened):
        settings = opened(reply_connections=2)
        until(lambda: may_knock(settings), what="who looked whether it is open has left")
        inside = [knock(settings) for _ in range(2)]

        with pytest.raises(smtplib.SMTPConnectError) as refused:
            knock(settings)

        assert (refused.value.smtp_code, refused.value.smtp_error) == (421, b"4.7.0 too many connections: come again in a moment")
        assert [smtp.noop()[0] for smtp in inside] == [250, 250]
        inside[0].quit()
        until(lambda: may_knock(settings), what="there is room again")
        inside[1].quit()


class TestMails:
    def test_are_so_many_a_minute_however_they_come(self, opened):
        settings = opened(reply_mails=3)
        answers = []
        for _ in range(2):
            with knock(settings) as smtp:
                smtp.ehlo("mail.example.vn")
                for _ in range(2):
                    answers.append(smtp.mail("a@example.vn"))
                    smtp.rset()

        assert [code for code, _ in answers] == [250, 250, 250, 451]
        assert answers[-1][1].startswith(b"4.7.1 too many mails: come again in ")


class TestEncryption:
    @pytest.mark.parametrize("in_one_file", [False, True])
    def test_is_asked_for_where_there_is_a_certificate(self, opened, tmp_path, in_one_file):
        certificate, key = certificate_for("reply.test", tmp_path)
        if in_one_file:
            certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
        settings = opened(reply_certificate=certificate, reply_key=None if in_one_file else key)
        trusted = ssl.create_default_context(cafile=str(certificate))
        trusted.check_hostname = False  # it is reached by its number here

        with knock(settings) as smtp:
            smtp.ehlo("mail.example.vn")
            openly = smtp.mail("a@example.vn")
            smtp.starttls(context=trusted)
            smtp.ehlo("mail.example.vn")
            secretly = smtp.mail("a@example.vn")

        assert (openly[0], secretly[0]) == (530, 250)

    def test_leaves_its_place_when_it_is_over(self, opened, tmp_path):
        certificate, key = certificate_for("reply.test", tmp_path)
        settings = opened(reply_certificate=certificate, reply_key=key, reply_connections=1)
        trusted = ssl.create_default_context(cafile=str(certificate))
        trusted.check_hostname = False
        until(lambda: may_knock(settings), what="who looked whether it is open has left")

        for _ in range(3):
            with knock(settings) as smtp:
                smtp.starttls(context=trusted)
            until(lambda: may_knock(settings), what="there is room again")
