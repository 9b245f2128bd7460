"""Settings of notify: the channels, and the keys that open contacts."""

from datetime import time
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.settings import PROJECT, ReporterSettings, without_slash


def _mail_address(text: str) -> str:
    name, address = parseaddr(text)
    if "@" not in address or not text.isprintable():  # asked first: some versions of the parser fail on an empty address
        raise ValueError("must be an address such as `Hồi Âm <no-reply@quangtri.example>`")
    Address(display_name=name, addr_spec=address)  # raises ValueError itself
    return text


def _smtp(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
        raise ValueError("must be smtp://user:password@host:port or smtps://…; empty writes letters into MAILBOX_DIR")
    return url


def _quiet(text: str) -> str:
    if text:
        begin, _, end = text.partition("-")
        time.fromisoformat(begin)  # raise ValueError themselves
        time.fromisoformat(end)
    return text


def _reply_address(text: str) -> str:
    local, at, _ = _mail_address(text).partition("@") if text else ("reply", "@", "")
    if local != "reply" or not at:
        raise ValueError("must be reply@ and your domain")
    return text


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text and not (host and port.isdigit()):
        raise ValueError("must be an address and a port, such as 127.0.0.1:2525")
    return text


class NotifySettings(ReporterSettings):
    """The secrets are never shown when settings are printed."""

    mail_from: Annotated[str, AfterValidator(_mail_address)] = Field("Hồi Âm <no-reply@hoiam.example>", description="Who letters come from")
    smtp_url: Annotated[str, AfterValidator(_smtp)] = Field(
        "", repr=False, description="Mail server, smtp://user:password@host:port (with STARTTLS) or smtps://…; empty: MAILBOX_DIR"
    )
    smtp_plain: bool = Field(False, description="Give letters to a mail server without encryption: only on a network of your own")
    mailbox_dir: Path = Field(PROJECT / ".hoiam/mailbox", description="Folder that letters are written into when there is no SMTP_URL")
    sms_gateway_url: str = Field("", repr=False, description="Takes POST {id, to, text} as JSON and sends a short message; empty: no SMS")
    gateways_file: Path | None = Field(None, description="Gateways for SMS and Zalo as YAML, the best first (docs/notify.md)")
    gateway_secrets_dir: Path | None = Field(
        None, description="Folder whose files are the secrets that GATEWAYS_FILE names; read at each use"
    )
    patience_hours: float = Field(
        4, gt=0, le=720, description="How long a notice waits for a mail server or gateway that is away before it goes by another channel"
    )
    webhook_seconds: float = Field(15, gt=0, le=20, description="How long one call of a webhook may take, from look-up to answer")
    webhook_allow_loopback: bool = Field(
        False, description="Let webhooks go to this machine and to private networks: for trying things out"
    )
    quiet_hours: Annotated[str, AfterValidator(_quiet)] = Field(
        "21:00-07:00", description="Local hours in which nobody is written to but about urgent cases; empty: none"
    )
    notices_per_hour: int = Field(
        4, ge=2, description="Messages one reader gets within an hour at the most; what is more comes in one of them"
    )
    notices_per_day: int = Field(12, ge=2, description="The same within 24 hours")
    notify_url: Annotated[str, AfterValidator(without_slash)] = Field(
        "http://127.0.0.1:8314", description="Where readers reach notify's HTTP API: the links that end letters lead there"
    )
    reply_address: Annotated[str, AfterValidator(_reply_address)] = Field(
        "",
        description="Where answers to letters go, reply@hoiam.example: each letter has its own, reply+…@; empty: letters can't be answered",
    )
    reply_listen: Annotated[str, AfterValidator(_host_and_port)] = Field(
        "", description="Address and port on which the province's mail server hands those answers over by SMTP; empty: not at all"
    )
    reply_limit: int = Field(10_485_760, ge=10_000, description="Bytes of such a mail at the most")
    reply_connections: int = Field(20, ge=1, description="Connections of one address to REPLY_LISTEN at the same time; more get 421")
    reply_mails: int = Field(300, ge=1, description="Mails of one address to REPLY_LISTEN within a minute; more get 451 and come again")
    reply_certificate: Path | None = Field(
        None, description="Certificate (PEM) of REPLY_LISTEN: then nothing is taken without STARTTLS; read when notify starts"
    )
    reply_key: Path | None = Field(None, description="Its private key (PEM), when it is not in the same file")
    reply_secret: str = Field(
        "", repr=False, description="What an SMS gateway sends as X-Gateway-Secret with an answer; empty: none is taken"
    )
    intake_url: Annotated[str, AfterValidator(without_slash)] = Field(
        "http://127.0.0.1:8311", description="Where intake takes the reporter's words, as from the reporter's own link"
    )
