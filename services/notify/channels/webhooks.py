"""News for portals and work for agencies: Standard Webhooks, signed."""

from datetime import timedelta

from standardwebhooks import Webhook as Signature

from services.notify.channels import Addressee, Faltering, Gone, Permanent
from services.notify.channels.network import SECONDS, Answer, Outbound
from services.notify.domain.audience import Reader
from services.notify.domain.notices import WEBHOOK, Notice
from shared.clock import Clock

GONE = 410
JSON, CLOUD_EVENT = "application/json; charset=utf-8", "application/cloudevents+json; charset=utf-8"


class Webhooks:
    """To public addresses only. Nothing that is written back is read but its status and ``Retry-After``."""

    name, at_once = WEBHOOK, 32

    def __init__(self, *, clock: Clock, allow_loopback: bool, seconds: float = SECONDS) -> None:
        self._clock, self._allow_loopback = clock, allow_loopback
        self._http = Outbound(anywhere=allow_loopback, seconds=seconds)

    def send(self, notice: Notice, to: Addressee) -> None:
        if not (to.address.startswith("https://") or self._allow_loopback):
            raise Permanent("a webhook is called over https only")
        at, id_ = self._clock(), f"msg_{notice.id.hex}"
        headers = {
            "content-type": CLOUD_EVENT if notice.reader == Reader.AGENCY else JSON,
            "user-agent": "hoiam-webhooks/1",
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(Signature(key).sign(msg_id=id_, timestamp=at, data=notice.body) for key in to.secrets),
        }
        _judge(self._http.call("POST", to.address, headers, notice.body.encode()))

    def rest(self) -> None:
        """Nothing is kept open."""


def _judge(answer: Answer) -> None:
    """Anything but 2xx is tried again for days, as Standard Webhooks has it, redirects too; 410 ends it."""
    if answer.status == GONE:
        raise Gone("it answers 410: gone")
    if not 200 <= answer.status < 300:
        raise Faltering(f"it answers {answer.status}", _asked_to_wait(answer))


def _asked_to_wait(answer: Answer) -> timedelta:
    """Seconds only: a date would need the other side's clock to be right."""
    wait = answer.headers.get("retry-after", "")
    return timedelta(seconds=int(wait)) if wait.isascii() and wait.isdigit() and len(wait) < 8 else timedelta(0)
