"""Secrets that sign for webhooks: made here, told once to whom they are for, and kept sealed."""

import base64
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from services.notify.domain.webhooks import RotateSecret, Webhook
from shared.errors import Refused
from shared.privacy import SealingKeys

BOTH_SIGN = timedelta(days=1)


def new_secret() -> str:
    """As Standard Webhooks writes them."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def rotation(keys: SealingKeys, webhook: Webhook, at: datetime) -> tuple[str, RotateSecret]:
    """Another secret, and what is asked of notify so that both sign for a day. Raises :class:`Refused`."""
    secret, about = new_secret(), str(webhook.id)
    both = keys.seal(f"{secret} {_newest(keys, webhook.sealed, webhook.id)}", about=about)
    return secret, RotateSecret(report_id=webhook.id, at=at, sealed=both, replaces=webhook.sealed, old_until=at + BOTH_SIGN)


def _newest(keys: SealingKeys, sealed: str, webhook_id: UUID) -> str:
    try:
        return keys.open(sealed, about=str(webhook_id)).split()[0]
    except ValueError:
        raise Refused("the secret can't be opened with these SEALING_KEYS: bring the key back", code="secret_unreadable") from None
