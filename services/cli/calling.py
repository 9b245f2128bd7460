"""An agency that is called instead of reading a queue: the secret that signs for it, made and changed."""

from uuid import UUID

from services.cli.process import CannotStart
from services.cli.system import room
from services.notify import handlers, store
from services.notify.channels.signing import new_secret, rotation
from services.notify.domain.webhooks import AddWebhook, Webhook, webhook_of
from shared import province
from shared.clock import now
from shared.handling import Handling
from shared.messages import Message
from shared.privacy import SealingKeys


def secret_for(url: str, code: str, seals: SealingKeys) -> tuple[UUID, str]:
    """The id of the webhook of agency ``code`` and a new secret for it; the one before signs, too, for a day. What waited for its first
    secret goes out now. Raises :class:`CannotStart` for an agency whose webhook the province in force doesn't name."""
    with room(url, "notify") as rooms:
        with rooms() as session:
            agency = province.current(session).agencies.get(code)
            known = session.get(Webhook, webhook_of(code))
        if agency is None or not agency.webhook:
            raise CannotStart(f"no agency {code!r} with a webhook: write its address into agencies.yaml, then `hoiam load`")
        secret, asked = rotation(seals, known, now()) if known and not known.is_removed else _first(code, seals)
        handling = Handling(service="notify", handlers=handlers.HANDLERS, sessions=rooms, preload=store.preload)
        handling.run(lambda session: handling.handlers[type(asked)](asked, session))
    return asked.report_id, secret


def _first(code: str, seals: SealingKeys) -> tuple[str, Message]:
    id_, secret = webhook_of(code), new_secret()
    return secret, AddWebhook(report_id=id_, at=now(), agency=code, sealed=seals.seal(secret, about=str(id_)))
