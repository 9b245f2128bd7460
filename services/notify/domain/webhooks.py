"""Where portals hear the news: an address, and the secret that proves who speaks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.messages import Message


class AddWebhook(Message):
    """Asked for over HTTP. ``report_id`` is the id of the new webhook, which is the subject here; ``sealed`` its secret."""

    topic = "add_webhook"
    portal: str
    url: str
    sealed: str


@dataclass(kw_only=True, eq=False)
class Webhook:
    """``active`` ends when the portal answers that it is gone for good."""

    id: UUID
    portal: str
    url: str
    sealed: str
    created_at: datetime
    active: bool = True
