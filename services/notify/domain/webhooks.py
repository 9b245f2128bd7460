"""Where portals hear the news and agencies their work: an address, and the secret that proves who speaks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from shared.errors import Refused
from shared.messages import Message
from shared.province import Province

AGENCIES = UUID("8d0c5c8e-3f8b-5a53-9c1d-6b3a4f7e2d10")  # of names made from agencies


def webhook_of(agency: str) -> UUID:
    """The id of the one webhook of ``agency``, whether it has a secret yet or not: what is for it waits for that."""
    return uuid5(AGENCIES, agency)


class AddWebhook(Message):
    """Asked for over HTTP. ``report_id`` is the id of the new webhook, which is the subject here; ``sealed`` its secret,
    ``sealed_contact`` how its owner is reached, or ""."""

    topic = "add_webhook"
    portal: str = ""
    agency: str = ""
    url: str = ""
    sealed: str
    sealed_contact: str = ""


class RotateSecret(Message):
    """``report_id`` is the webhook's id. ``replaces`` is what was sealed when the new secret was made: of two at a time one is refused."""

    topic = "rotate_secret"
    sealed: str
    replaces: str
    old_until: datetime


class SwitchOn(Message):
    """``report_id`` is the webhook's id, which hears the news again from now on."""

    topic = "switch_on_webhook"


class RemoveWebhook(Message):
    """``report_id`` is the webhook's id: address, secrets and contact are forgotten."""

    topic = "remove_webhook"


class Replay(Message):
    """Send again what was to be sent about facts from ``since`` to before ``until``: to the webhook ``report_id``, or, ``to_people``, the
    letters that failed."""

    topic = "replay"
    since: datetime
    until: datetime
    failed_only: bool = True
    to_people: bool = False


@dataclass(kw_only=True, eq=False)
class Webhook:
    """Of a portal, or of an agency, whose ``url`` is in the registry and "" here. ``active`` ends when it answers that it is gone for good,
    or after days of failures. ``sealed`` are its secrets, blanks between, the newest first: the second, if there is one, signs too, until
    ``old_until``."""

    id: UUID
    url: str
    sealed: str
    created_at: datetime
    portal: str = ""
    agency: str = ""
    active: bool = True
    old_until: datetime | None = None

    @property
    def is_removed(self) -> bool:
        """It is kept for the sake of what was sent there."""
        return not self.sealed

    def url_in(self, province: Province) -> str:
        """Where it is called; "" when the registry names no address of the agency any more."""
        agency = province.agencies.get(self.agency)
        return self.url or (agency and agency.webhook) or ""

    def rotate(self, asked: RotateSecret) -> None:
        """Both secrets sign for a while. Raises :class:`Refused` when somebody else was quicker."""
        if self.sealed != asked.replaces:
            raise Refused("the secret of this webhook was changed meanwhile; ask again", code="secret_changed")
        self.sealed, self.old_until = asked.sealed, asked.old_until

    def remove(self) -> None:
        """Only its id and whose it was are left."""
        self.active, self.url, self.sealed, self.old_until = False, f"removed:{self.id}", "", None
