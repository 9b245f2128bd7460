"""Settings of notify: the channels, and the keys that open contacts."""

from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.privacy import SealingKeys
from shared.settings import PROJECT, Settings


def _parsable(keys: str) -> str:
    SealingKeys.parse(keys)
    return keys


def _mail_address(text: str) -> str:
    name, address = parseaddr(text)
    Address(display_name=name, addr_spec=address)  # raises ValueError itself
    if "@" not in address or not text.isprintable():
        raise ValueError("must be an address such as `Hồi Âm <no-reply@quangtri.example>`")
    return text


def _smtp(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
        raise ValueError("must be smtp://user:password@host:port or smtps://…; empty writes letters into MAILBOX_DIR")
    return url


def _without_slash(url: str) -> str:
    return url.rstrip("/")


class NotifySettings(Settings):
    """The secrets are never shown when settings are printed."""

    link_key: str = Field(min_length=32, repr=False, description="Secret behind the reporters' links, the same as intake's")
    sealing_keys: Annotated[str, AfterValidator(_parsable)] = Field(
        repr=False, description="`name:base64` keys that open contacts, the same as intake's, and seal the secrets of webhooks"
    )
    public_url: Annotated[str, AfterValidator(_without_slash)] = Field(
        "http://127.0.0.1:8311/v1/reports",
        pattern=r"^https?://[^\s?#]+$",
        description="Where reporters look their report up; the tracking code is put behind it",
    )
    mail_from: Annotated[str, AfterValidator(_mail_address)] = Field("Hồi Âm <no-reply@hoiam.example>", description="Who letters come from")
    smtp_url: Annotated[str, AfterValidator(_smtp)] = Field(
        "", repr=False, description="Mail server, smtp://user:password@host:port (STARTTLS where offered) or smtps://…; empty: MAILBOX_DIR"
    )
    mailbox_dir: Path = Field(PROJECT / ".hoiam/mailbox", description="Folder that letters are written into when there is no SMTP_URL")
    sms_gateway_url: str = Field("", repr=False, description="Takes POST {id, to, text} as JSON and sends a short message; empty: no SMS")
    webhook_allow_loopback: bool = Field(
        False, description="Let webhooks go to this machine and to private networks: for trying things out"
    )
