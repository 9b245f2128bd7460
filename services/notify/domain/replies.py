"""Replies to letters: whose they are, whether a person wrote them, and which of the words are new.

The libraries for quoted text were tried: on a line of a few thousand words they took from five seconds to minutes, and none knows
Vietnamese mail programs. So here is no regular expression that can look back.
"""

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from enum import StrEnum
from html.parser import HTMLParser
from uuid import UUID

MAC = 12  # bytes
BEFORE = "reply+"  # in the local part of an address, before the token
LONGEST_ATTRIBUTION = 3  # lines that "On … wrote:" may be broken into
WROTE = ("đã viết:", "viết:", "wrote:")
BEGINS = ("vào ", "ngày ", "lúc ", "on ")
SENDER = ("từ:", "from:")
SENT = ("đã gửi:", "ngày:", "tới:", "đến:", "sent:", "to:", "date:", "chủ đề:", "subject:")
RULES = ("-----original message", "-----thư gốc", "---------- forwarded message", "---------- thư được chuyển tiếp", "_" * 30)
PHONES = ("đã gửi từ ", "gửi từ ", "được gửi từ ", "sent from my ", "get outlook for ")
GONE = re.compile(r"5\.(1\.\d{1,3}|2\.1)")  # RFC 3463: the address is not, or not any more, somebody's
OUR_NOTICE = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@")


class Whose(StrEnum):
    """Whose letter a token came with."""

    REPORTER = "r"
    FOLLOWER = "f"


@dataclass(frozen=True, kw_only=True)
class Token:
    """``id`` is the report's or the follower's; ``mac`` binds it to how they are reached."""

    whose: Whose
    id: UUID
    mac: bytes

    @classmethod
    def made(cls, key: str, whose: Whose, about: UUID, recipient: str) -> "Token":
        """The token of a letter to ``recipient``: when the contact changes or is forgotten, it is good no more."""
        signed = b"\0".join((b"reply", whose.encode(), about.bytes, recipient.encode()))
        return cls(whose=whose, id=about, mac=hmac.new(key.encode(), signed, hashlib.sha256).digest()[:MAC])

    @classmethod
    def read(cls, address: str) -> "Token | None":
        """Of an address such as ``reply+…@example.vn``, however its letters were changed on the way; None: no such address."""
        before, _, token = address.partition("@")[0].lower().partition("+")
        try:
            raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
            known = before == BEFORE.rstrip("+") and len(raw) == 17 + MAC
            return cls(whose=Whose(raw[:1].decode()), id=UUID(bytes=raw[1:17]), mac=raw[17:]) if known else None
        except (binascii.Error, ValueError):
            return None

    def __str__(self) -> str:
        return base64.b32encode(self.whose.encode() + self.id.bytes + self.mac).decode().rstrip("=").lower()

    def address(self, reply_address: str) -> str:
        """Where answers to the letter go: ``reply@example.vn`` with the token in it."""
        return f"{BEFORE}{self}@{reply_address.partition('@')[2]}"

    def is_of(self, key: str, recipient: str) -> bool:
        """Compared in constant time."""
        return hmac.compare_digest(self.mac, Token.made(key, self.whose, self.id, recipient).mac)


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """``notice_id`` is of the letter that came back, where the mail server says; ``gone``: nobody has the address."""

    status: str
    gone: bool
    notice_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One mail. ``name`` is the same when the same mail comes again; ``words`` are those the writer added."""

    name: str
    automatic: bool
    bounce: Bounce | None
    words: str


def read_mail(content: bytes, sender: str) -> Incoming | None:
    """``sender`` is who the mail server was told. None: nobody can read it; hostile mails may be anything, and the library stumbles."""
    with suppress(MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        named = str(mail.get("message-id", "")).strip().encode() or content
        automatic = is_automatic(mail, sender)
        return Incoming(
            name=f"mail-{hashlib.sha256(named).hexdigest()[:40]}",
            automatic=automatic,
            bounce=bounce_of(mail),
            words="" if automatic else words_of(mail),
        )
    return None


def bounce_of(mail: EmailMessage) -> Bounce | None:
    """What a delivery status notification (RFC 3464) says; None for any other mail, and for mere delays."""
    if mail.get_content_type() != "multipart/report":
        return None
    for part in mail.walk():
        status, action = str(part.get("status", "")).strip(), str(part.get("action", "")).strip().lower()
        if action == "failed" and status.startswith("5."):
            found = OUR_NOTICE.search(mail.as_string()[-20_000:])
            return Bounce(status=status[:12], gone=bool(GONE.match(status)), notice_id=UUID(found[1]) if found else None)
    return None


def is_automatic(mail: EmailMessage, sender: str) -> bool:
    """Whether a machine wrote it (RFC 3834): bounces, holidays, lists. None of it is anybody's word."""
    submitted = str(mail.get("auto-submitted", "no")).partition(";")[0].strip().lower()
    precedence = str(mail.get("precedence", "")).strip().lower()
    marks = ("list-id", "x-autoreply", "x-autorespond", "x-auto-reply")
    return (
        sender in {"", "<>"}
        or submitted != "no"
        or precedence in {"bulk", "junk", "list", "auto_reply"}
        or mail.get_content_type() == "multipart/report"
        or any(mark in mail for mark in marks)
    )


def words_of(mail: EmailMessage) -> str:
    """What the writer added, without what is quoted, signed and attached; "" when there is nothing."""
    body = mail.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    text = str(body.get_content())
    return new_words(_without_tags(text) if body.get_content_subtype() == "html" else text)


def new_words(text: str) -> str:
    """``text`` without quoted lines, who is quoted, and what mail programs put under a letter."""
    lines = [_clean(line) for line in text.splitlines()]
    kept: list[str] = []
    for number, line in enumerate(lines):
        if _ends(lines, number):
            break
        if not line.startswith(">"):
            kept.append(line)
    return _without_attributions(kept)


def _ends(lines: list[str], number: int) -> bool:
    """Whether all from this line on is a signature or an older letter."""
    line = lines[number].strip("* ").lower()
    if lines[number] in {"-- ", "--"} or line.startswith((*RULES, *PHONES)):
        return True
    following = [other.strip("* ").lower() for other in lines[number + 1 : number + 5]]
    return line.startswith(SENDER) and any(other.startswith(SENT) for other in following)


def _without_attributions(lines: list[str]) -> str:
    """Without "Vào … đã viết:", on one line or several."""
    kept: list[str] = []
    for line in lines:
        kept.append(line)
        if not line.rstrip().lower().endswith(WROTE):
            continue
        for number in range(1, min(LONGEST_ATTRIBUTION, len(kept)) + 1):
            if kept[-number].strip().lower().startswith(BEGINS):
                del kept[-number:]
                break
    return "\n".join(kept).strip()


def _clean(line: str) -> str:
    return "".join(" " if letter in "\t\xa0" else letter for letter in line if letter == "\t" or unicodedata.category(letter) != "Cc")


class _Words(HTMLParser):
    """The text of HTML, without what is quoted in it."""

    SILENT = frozenset({"blockquote", "style", "script", "head", "title"})
    BREAKS = frozenset({"br", "p", "div", "li", "tr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self._silent.append(tag)
        elif tag in self.BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(" ".join(data.split("\n")))


def _without_tags(html: str) -> str:
    words = _Words()
    words.feed(html)
    words.close()
    return "".join(words.parts)
