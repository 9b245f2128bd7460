"""Which channel reaches whom: made of the settings, once, when the service starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import ValidationError

from services.notify.channels import Addressee, Permanent, Temporary
from services.notify.channels.delivery import Delivery, no_ways
from services.notify.channels.gateways import Gateway, GatewayChannel, Secrets, read_gateways
from services.notify.channels.mail import Email, MailboxFolder
from services.notify.channels.webhooks import Webhooks
from services.notify.domain.audience import Reader
from services.notify.domain.contacts import Contact
from services.notify.domain.leaving import Leaving
from services.notify.domain.replies import Token, Whose
from services.notify.settings import NotifySettings
from services.notify.store import FORGOTTEN
from services.notify.store.sending import SWITCHED_OFF, Parcel
from shared.access import link_secret
from shared.clock import Clock
from shared.privacy import SealingKeys

PEOPLE = {Reader.REPORTER: Whose.REPORTER, Reader.FOLLOWER: Whose.FOLLOWER}
EACH = 8  # calls at the same time to one webhook


def deliveries(settings: NotifySettings, clock: Clock) -> Mapping[str, Delivery]:
    """The loops, by channel. Raises :class:`services.notify.channels.gateways.BrokenGateway`."""
    keys = SealingKeys.parse(settings.sealing_keys)
    letters = _letters(settings)
    gateways = [GatewayChannel(gateway, Secrets(settings.gateway_secrets_dir)) for gateway in _gateways(settings)]
    people = ToPeople(
        letters=letters.name,
        gateways=gateways,
        keys=keys,
        link_key=settings.link_key,
        public_url=settings.public_url,
        notify_url=settings.notify_url,
        reply_address=settings.reply_address,
    )
    hooks = Webhooks(clock=clock, allow_loopback=settings.webhook_allow_loopback, seconds=settings.webhook_seconds)
    patience = timedelta(hours=settings.patience_hours)
    to_people = [
        Delivery(letters, address=people.by_mail, ways=people.ways, clock=clock, patience=patience),
        *(Delivery(gateway, address=people.by_phone, ways=people.ways, clock=clock, patience=patience) for gateway in gateways),
    ]
    to_webhooks = Delivery(hooks, address=ToWebhooks(keys=keys, clock=clock), ways=no_ways, clock=clock, each=EACH)
    return {delivery.channel.name: delivery for delivery in (*to_people, to_webhooks)}


def _letters(settings: NotifySettings) -> Email | MailboxFolder:
    if settings.smtp_url:
        return Email(settings.smtp_url, sender=settings.mail_from, plain=settings.smtp_plain)
    return MailboxFolder(settings.mailbox_dir, sender=settings.mail_from)


def _gateways(settings: NotifySettings) -> list[Gateway]:
    simple = [Gateway(url=settings.sms_gateway_url)] if settings.sms_gateway_url else []
    return [*(read_gateways(settings.gateways_file) if settings.gateways_file else []), *simple]


@dataclass(frozen=True, kw_only=True)
class ToPeople:
    """Reporters and who follows: by e-mail when there is an address, else through the first gateway that takes it."""

    letters: str
    gateways: Sequence[GatewayChannel]
    keys: SealingKeys
    link_key: str
    public_url: str
    notify_url: str
    reply_address: str

    def ways(self, parcel: Parcel) -> list[str]:
        """The channels that reach them, the best first. Raises :class:`Temporary` and :class:`Permanent`."""
        contact = self._contact(parcel)
        by_phone = [gateway.name for gateway in self.gateways if contact.phone and gateway.takes(parcel.notice.about)]
        ways = [*([self.letters] if contact.email else []), *by_phone]
        left = [way for way in ways if way not in parcel.notice.tried]
        if not left:
            raise Permanent("no channel reaches this contact")
        return left

    def by_mail(self, parcel: Parcel) -> Addressee:
        """Raises :class:`Temporary` and :class:`Permanent`."""
        return self._to(parcel, self._contact(parcel).email)

    def by_phone(self, parcel: Parcel) -> Addressee:
        """Raises :class:`Temporary` and :class:`Permanent`."""
        return self._to(parcel, self._contact(parcel).phone)

    def _to(self, parcel: Parcel, address: str) -> Addressee:
        notice, to = parcel.notice, Addressee(address=address, tracking_code=parcel.tracking_code, link=self._link(parcel))
        if notice.reader not in PEOPLE:
            return to
        whose, id_ = PEOPLE[notice.reader], notice.follower_id or notice.report_id
        token = Token.made(self.link_key, whose, id_, notice.recipient)
        leave = f"{self.notify_url}/v1/leave/{Leaving(whose=whose, id=id_).token(self.link_key)}"
        return replace(to, leave=leave, reply_to=token.address(self.reply_address) if self.reply_address else "")

    def _contact(self, parcel: Parcel) -> Contact:
        follower_id = parcel.notice.follower_id
        if parcel.notice.address:
            return Contact.at(parcel.notice.address)
        if parcel.sealed_contact is None and follower_id:
            raise Permanent("they no longer follow")
        if parcel.sealed_contact is None and parcel.public_contact:
            return Contact(email=parcel.public_contact)
        if parcel.sealed_contact is None:
            raise Temporary("the contact has not arrived yet")
        if not parcel.sealed_contact:
            raise Permanent(FORGOTTEN)
        return opened(self.keys, parcel.sealed_contact, about=str(follower_id or parcel.notice.report_id))

    def _link(self, parcel: Parcel) -> str:
        """The secrets are behind the #, where neither servers nor their logs see them."""
        page, follower_id = f"{self.public_url}/{parcel.tracking_code}", parcel.notice.follower_id
        if parcel.notice.address:
            return page
        if follower_id:
            return f"{page}#follower={follower_id}.{link_secret(self.link_key, follower_id)}"
        return f"{page}#{link_secret(self.link_key, parcel.notice.report_id)}"


@dataclass(frozen=True, kw_only=True)
class ToWebhooks:
    """Portals and agencies: where they are called, with the secrets that sign for it now."""

    keys: SealingKeys
    clock: Clock

    def __call__(self, parcel: Parcel) -> Addressee:
        """Raises :class:`Temporary` and :class:`Permanent`."""
        hook = parcel.webhook
        if hook is None or not hook.active:
            raise Permanent(SWITCHED_OFF)
        if not parcel.url:
            raise Permanent("the registry names no webhook of this agency")
        try:
            newest, *older = self.keys.open(hook.sealed, about=str(hook.id)).split()
        except ValueError:
            raise Temporary("the secret of the webhook can't be opened with these SEALING_KEYS") from None
        rotating = hook.old_until is not None and self.clock() < hook.old_until
        return Addressee(address=parcel.url, secrets=(newest, *(older if rotating else ())))


def opened(keys: SealingKeys, sealed: str, *, about: str) -> Contact:
    """Raises :class:`Temporary`: an operator can bring the key back."""
    try:
        return Contact.model_validate_json(keys.open(sealed, about=about))
    except (ValueError, ValidationError):
        raise Temporary("the contact can't be opened with these SEALING_KEYS") from None
