"""What the owner of a webhook is told about the webhook itself."""

from datetime import datetime
from urllib.parse import urlsplit
from uuid import uuid5

from services.notify.domain.audience import Reader
from services.notify.domain.letters import LANGUAGES, letter
from services.notify.domain.notices import ABOUT_WEBHOOK, LINK, REPORTER, Notice
from services.notify.domain.webhooks import Webhook


def switched_off(webhook: Webhook, *, gone: bool, at: datetime) -> Notice:
    """It is called no more: because it is ``gone``, or after days of failures. The webhook stands where a report does in other notices."""
    language = LANGUAGES[0]
    values = {"portal": webhook.portal, "host": urlsplit(webhook.url).hostname, "gone": gone, "link": LINK}
    written = letter(ABOUT_WEBHOOK, language, values)
    return Notice(
        id=uuid5(webhook.id, f"{ABOUT_WEBHOOK}/{at.isoformat()}"),
        report_id=webhook.id,
        about=ABOUT_WEBHOOK,
        channel=REPORTER,
        reader=Reader.CENTRE,
        language=language,
        subject=written.subject,
        body=written.text,
        html=written.html,
        created_at=at,
        due_at=at,
    )
