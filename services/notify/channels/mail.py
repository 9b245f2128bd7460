"""Letters: through a mail server, or into a folder where a developer can read them."""

import contextlib
import hashlib
import re
import smtplib
import ssl
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.notify.channels import Addressee, Away, Permanent, Temporary
from services.notify.domain.notices import Notice

SECONDS = 10.0  # for one answer of the mail server
PORTS = {"smtp": 25, "smtps": 465}  # RFC 5321, RFC 8314
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def mail(notice: Notice, to: Addressee, *, sender: str, encoding: str = "base64") -> EmailMessage:
    """The message. Raises :class:`Permanent` for an address no mail can go to.

    The same notice is the same Message-ID however often it is sent; those about one report hang together (RFC 5322, 3.6.4).
    """
    name, address = parseaddr(sender)
    host = address.rpartition("@")[2]
    message = EmailMessage()
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = _address(to.address)
    message["Subject"] = " ".join(notice.subject.split())
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.id}@{host}>"
    message["References"] = f"<report.{notice.report_id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    message.set_content(notice.text(to.link), cte=encoding)
    if notice.html:
        message.add_alternative(notice.page(to.link), subtype="html", cte=encoding)
        _name_boundary(message, notice)
    message["Content-Language"] = notice.language
    return message


def _name_boundary(message: EmailMessage, notice: Notice) -> None:
    """Of the notice, not of chance: the same notice is the same bytes."""
    message.set_boundary(f"=_{hashlib.sha256(notice.id.bytes).hexdigest()[:32]}")


def _address(text: str) -> Address:
    try:
        address = Address(addr_spec=text)
        text.encode("ascii")
    except (ValueError, IndexError, MessageError):
        raise Permanent("the address can't be written to") from None
    return address


class Email:
    """Through a mail server, one connection for as many letters as wait."""

    name = "email"

    def __init__(self, url: str, *, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender
        self._connection: smtplib.SMTP | None = None

    def server(self, _to: Addressee) -> str:
        return "mail"

    def send(self, notice: Notice, to: Addressee) -> None:
        message = mail(notice, to, sender=self._sender)
        try:
            self._connection = self._connection or self._connect()
            self._connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            raise _verdict(*next(iter(refused.recipients.values()))) from None
        except smtplib.SMTPSenderRefused as refused:
            raise Away(f"the mail server refuses the sender: {_code(refused.smtp_code, refused.smtp_error)}") from None
        except smtplib.SMTPDataError as refused:
            raise _verdict(refused.smtp_code, refused.smtp_error) from None
        except (smtplib.SMTPException, OSError) as lost:
            self._drop()
            raise Away(f"the mail server does not answer: {type(lost).__name__}") from None

    def rest(self) -> None:
        if self._connection:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._connection.quit()
        self._drop()

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _connect(self) -> smtplib.SMTP:
        url, context = self._url, ssl.create_default_context()
        host, port = url.hostname or "", url.port or PORTS[url.scheme]
        if url.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
        else:
            connection = smtplib.SMTP(host, port, timeout=SECONDS)
        try:
            self._open(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        connection.ehlo()
        if self._url.scheme == "smtp" and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        if not self._url.username:
            return
        if not isinstance(connection.sock, ssl.SSLSocket) and self._url.hostname not in LOOPBACK:
            raise Away("the mail server offers no encryption, so the password is not sent to it")
        connection.login(unquote(self._url.username), unquote(self._url.password or ""))


def _verdict(code: int, answer: bytes | str) -> Temporary | Permanent:
    """RFC 5321, 4.2.1: 4 at the front means later, 5 never."""
    reason = f"the mail server refuses it: {_code(code, answer)}"
    return Permanent(reason) if 500 <= code < 600 else Temporary(reason)


def _code(code: int, answer: bytes | str) -> str:
    """Only the codes (RFC 3463): the words often repeat the address."""
    text = answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
    enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", text)
    return f"{code} {enhanced[0]}" if enhanced else str(code)


class MailboxFolder:
    """A file for each letter, and a line in ``index.txt``. A letter sent twice is one file."""

    name = "mailbox"

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder, self._sender = folder, sender

    def server(self, _to: Addressee) -> str:
        return "folder"

    def send(self, notice: Notice, to: Addressee) -> None:
        message = mail(notice, to, sender=self._sender, encoding="8bit")
        path = self._folder / f"{notice.created_at:%Y%m%dT%H%M%S}-{notice.id}.eml"
        known = path.exists()
        try:
            self._write(path, message.as_bytes(policy=policy.SMTP.clone(utf8=True, linesep="\n")))
            if not known:
                self._note(path, notice)
        except OSError as error:
            raise Away(f"the folder can't be written: {type(error).__name__}") from None

    def rest(self) -> None:
        """Nothing is kept open."""

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.replace(path)

    def _note(self, path: Path, notice: Notice) -> None:
        line = f"{notice.created_at:%Y-%m-%d %H:%M:%S}Z  {notice.about:<16}  {notice.subject}  {path.name}\n"
        with (self._folder / "index.txt").open("a", encoding="utf-8") as index:
            index.write(line)
