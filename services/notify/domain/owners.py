"""What the owner of a webhook is told about the webhook itself."""

from datetime import datetime
from urllib.parse import urlsplit
from uuid import uuid5

from services.notify.domain.audience import Reader
from services.notify.domain.desks import duty_address
from services.notify.domain.letters import LANGUAGES, letter
from services.notify.domain.notices import ABOUT_WEBHOOK, LINK, REPORTER, Notice
from services.notify.domain.values import named
from services.notify.domain.webhooks import Webhook
from shared.province import Province


def switched_off(webhook: Webhook, province: Province, *, gone: bool, at: datetime) -> Notice:
    """It is called no more: because it is ``gone``, or after days of failures. The webhook stands where a report does in other notices; an
    agency's duty officer hears of it, and a portal's contact."""
    language, agency = LANGUAGES[0], province.agencies.get(webhook.agency)
    values = {
        "portal": webhook.portal,
        "agency": named(webhook.agency, province, language),
        "host": urlsplit(webhook.url_in(province)).hostname,
        "gone": gone,
        "link": LINK,
    }
    written = letter(ABOUT_WEBHOOK, language, values)
    return Notice(
        id=uuid5(webhook.id, f"{ABOUT_WEBHOOK}/{at.isoformat()}"),
        report_id=webhook.id,
        about=ABOUT_WEBHOOK,
        channel=REPORTER,
        reader=Reader.CENTRE,
        address=duty_address(agency) if agency else "",
        language=language,
        subject=written.subject,
        body=written.text,
        created_at=at,
        due_at=at,
    )
