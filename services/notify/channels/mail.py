"""Letters: through a mail server, or into a folder where a developer can read them."""

import contextlib
import hashlib
import re
import smtplib
import ssl
import threading
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.notify.channels import Addressee, Away, Faltering, Nobody, Permanent, Temporary
from services.notify.domain.letters import page
from services.notify.domain.notices import Notice

SECONDS = 10.0  # for one answer of the mail server
PORTS = {"smtp": 25, "smtps": 465}  # RFC 5321, RFC 8314
NOBODY = re.compile(r"\d{3} 5\.(1\.\d{1,3}|2\.1)|55[013]")  # RFC 3463; servers without its codes say 550, 551 or 553
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def mail(notice: Notice, to: Addressee, *, sender: str, encoding: str = "base64") -> EmailMessage:
    """The message. Raises :class:`Permanent` for an address no mail can go to.

    The same notice is the same Message-ID however often it is sent; those about one report hang together (RFC 5322, 3.6.4): each
    answers a first letter that nobody needs to have.
    """
    name, address = parseaddr(sender)
    host = address.rpartition("@")[2]
    message = EmailMessage()
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = _address(to.address)
    message["Subject"] = " ".join(notice.subject.split())
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.id}@{host}>"
    message["References"] = message["In-Reply-To"] = f"<report.{notice.report_id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    if to.reply_to:
        message["Reply-To"] = to.reply_to
    if to.leave:
        message["List-Unsubscribe"] = f"<{to.leave}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058: the mail program asks itself, by POST
    text = notice.text(to.link, to.leave)
    message.set_content(text, cte=encoding)
    message.add_alternative(page(text, notice.language, (to.link, to.leave)), subtype="html", cte=encoding)
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
    """Through a mail server, one connection of each thread for as many letters as wait. Encrypted, or not at all: without STARTTLS only
    to this machine, or where ``plain`` is allowed."""

    name, at_once = "email", 4

    def __init__(self, url: str, *, sender: str, plain: bool = False) -> None:
        self._url, self._sender, self._plain = urlsplit(url), sender, plain or urlsplit(url).hostname in LOOPBACK
        self._mine = threading.local()

    def send(self, notice: Notice, to: Addressee) -> None:
        message = mail(notice, to, sender=self._sender)
        connection = self._connection()
        try:
            connection.send_message(message, from_addr=to.reply_to or None)
        except smtplib.SMTPRecipientsRefused as refused:
            raise _verdict(*next(iter(refused.recipients.values())), of_address=True) from None
        except smtplib.SMTPSenderRefused as refused:
            raise Away(f"the mail server refuses the sender: {_code(refused.smtp_code, refused.smtp_error)}") from None
        except smtplib.SMTPDataError as refused:
            raise _verdict(refused.smtp_code, refused.smtp_error) from None
        except (smtplib.SMTPException, OSError) as lost:  # perhaps because of this very letter: it is tried again, but not for ever
            self._drop()
            raise Faltering(f"the mail server broke off: {type(lost).__name__}") from None

    def rest(self) -> None:
        connection: smtplib.SMTP | None = getattr(self._mine, "connection", None)
        if connection:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                connection.quit()
        self._drop()

    def _drop(self) -> None:
        connection: smtplib.SMTP | None = getattr(self._mine, "connection", None)
        if connection:
            connection.close()
        self._mine.connection = None

    def _connection(self) -> smtplib.SMTP:
        connection: smtplib.SMTP | None = getattr(self._mine, "connection", None)
        try:
            self._mine.connection = connection = connection or self._connect()
        except (smtplib.SMTPException, OSError) as lost:
            raise Away(f"the mail server does not answer: {type(lost).__name__}") from None
        return connection

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
        if not isinstance(connection.sock, ssl.SSLSocket) and not self._plain:
            raise Away("the mail server offers no encryption, so no letter is given to it")
        if self._url.username:
            connection.login(unquote(self._url.username), unquote(self._url.password or ""))


def _verdict(code: int, answer: bytes | str, *, of_address: bool = False) -> Temporary | Permanent:
    """RFC 5321, 4.2.1: 4 at the front means later, 5 never; ``of_address``: and it is the address that was refused."""
    said = _code(code, answer)
    reason = f"the mail server refuses it: {said}"
    if not 500 <= code < 600:
        return Temporary(reason)
    return Nobody(reason) if of_address and NOBODY.fullmatch(said) else Permanent(reason)


def _code(code: int, answer: bytes | str) -> str:
    """Only the codes (RFC 3463): the words often repeat the address."""
    text = answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
    enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", text)
    return f"{code} {enhanced[0]}" if enhanced else str(code)


class MailboxFolder:
    """A file for each letter, and a line in ``index.txt``. A letter sent twice is one file."""

    name, at_once = "mailbox", 1

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder, self._sender = folder, sender

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
