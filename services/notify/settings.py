"""Settings of notify: the channels, and the keys that open contacts."""

from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.settings import PROJECT, ReporterSettings


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
    webhook_seconds: float = Field(15, gt=0, le=20, description="How long one call of a webhook may take, from look-up to answer")
    webhook_allow_loopback: bool = Field(
        False, description="Let webhooks go to this machine and to private networks: for trying things out"
    )
