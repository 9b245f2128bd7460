"""Which channel reaches whom: made of the settings, once, when the service starts."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from services.notify.channels import Addressee, Channel, Permanent, Temporary
from services.notify.channels.delivery import Delivery
from services.notify.channels.mail import Email, MailboxFolder
from services.notify.channels.web import Sms, Webhooks
from services.notify.domain.contacts import Contact
from services.notify.settings import NotifySettings
from services.notify.store import FORGOTTEN
from services.notify.store.sending import Parcel
from shared.access import link_secret
from shared.clock import Clock
from shared.privacy import SealingKeys


def deliveries(settings: NotifySettings, clock: Clock) -> Mapping[str, Delivery]:
    """The two loops."""
    keys = SealingKeys.parse(settings.sealing_keys)
    letters = (
        Email(settings.smtp_url, sender=settings.mail_from)
        if settings.smtp_url
        else MailboxFolder(settings.mailbox_dir, sender=settings.mail_from)
    )
    sms = Sms(settings.sms_gateway_url) if settings.sms_gateway_url else None
    hooks = Webhooks(clock=clock, allow_loopback=settings.webhook_allow_loopback)
    to_reporters = ToReporters(letters=letters, sms=sms, keys=keys, link_key=settings.link_key, public_url=settings.public_url)
    to_portals = ToPortals(channel=hooks, keys=keys)
    channels = [letters, *([sms] if sms else [])]
    return {
        "delivery": Delivery(to_portals=False, choose=to_reporters, channels=channels, clock=clock),
        "webhooks": Delivery(to_portals=True, choose=to_portals, channels=[hooks], clock=clock),
    }


@dataclass(frozen=True, kw_only=True)
class ToReporters:
    """And to who follows. By e-mail when there is an address, else by SMS when there is a gateway."""

    letters: Channel
    sms: Channel | None
    keys: SealingKeys
    link_key: str
    public_url: str

    def __call__(self, parcel: Parcel) -> tuple[Channel, Addressee]:
        """Raises :class:`Temporary` and :class:`Permanent`."""
        contact, link = self._contact(parcel), self._link(parcel)
        if contact.email:
            return self.letters, Addressee(address=contact.email, link=link)
        if contact.phone and self.sms:
            return self.sms, Addressee(address=contact.phone, link=link)
        raise Permanent("no channel reaches this contact")

    def _contact(self, parcel: Parcel) -> Contact:
        follower_id = parcel.notice.follower_id
        if parcel.sealed_contact is None and follower_id:
            raise Permanent("they no longer follow")
        if parcel.sealed_contact is None:
            raise Temporary("the contact has not arrived yet")
        if not parcel.sealed_contact:
            raise Permanent(FORGOTTEN)
        return opened(self.keys, parcel.sealed_contact, about=str(follower_id or parcel.notice.report_id))

    def _link(self, parcel: Parcel) -> str:
        """The secrets are behind the #, where neither servers nor their logs see them."""
        page, follower_id = f"{self.public_url}/{parcel.tracking_code}", parcel.notice.follower_id
        if follower_id:
            return f"{page}#follower={follower_id}.{link_secret(self.link_key, follower_id)}"
        return f"{page}#{link_secret(self.link_key, parcel.notice.report_id)}"


@dataclass(frozen=True, kw_only=True)
class ToPortals:
    channel: Channel
    keys: SealingKeys

    def __call__(self, parcel: Parcel) -> tuple[Channel, Addressee]:
        """Raises :class:`Temporary` and :class:`Permanent`."""
        hook = parcel.webhook
        if hook is None or not hook.active:
            raise Permanent("the webhook was switched off")
        try:
            secret = self.keys.open(hook.sealed, about=str(hook.id))
        except ValueError:
            raise Temporary("the secret of the webhook can't be opened with these SEALING_KEYS") from None
        return self.channel, Addressee(address=hook.url, secret=secret)


def opened(keys: SealingKeys, sealed: str, *, about: str) -> Contact:
    """Raises :class:`Temporary`: an operator can bring the key back."""
    try:
        return Contact.model_validate_json(keys.open(sealed, about=about))
    except (ValueError, ValidationError):
        raise Temporary("the contact can't be opened with these SEALING_KEYS") from None
