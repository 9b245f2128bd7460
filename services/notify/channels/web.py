"""What goes out over HTTP: webhooks of portals (Standard Webhooks), and short messages through a gateway."""

import ipaddress
import socket
from urllib.parse import urlsplit

import httpx2
from standardwebhooks import Webhook as Signature

from services.notify.channels import Addressee, Away, Gone, Permanent, Temporary
from services.notify.domain.notices import Notice
from shared.clock import Clock

SECONDS = 15.0  # for each of connecting, sending and being answered
GONE = 410


class Webhooks:
    """Signed, to public addresses only, nowhere else than asked: no redirects, no proxies of the environment."""

    name = "webhook"

    def __init__(self, *, clock: Clock, allow_loopback: bool) -> None:
        self._clock, self._allow_loopback = clock, allow_loopback
        # no connection is kept: portals that share an address would share it, with only the first one's certificate checked
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._http = httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=False, limits=limits)

    def server(self, to: Addressee) -> str:
        return urlsplit(to.address).netloc

    def send(self, notice: Notice, to: Addressee) -> None:
        at, id_ = self._clock(), f"msg_{notice.id.hex}"
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "hoiam-webhooks/1",
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Signature(to.secret).sign(msg_id=id_, timestamp=at, data=notice.body),
        }
        _judge(self._post(to.address, notice.body.encode(), headers))

    def rest(self) -> None:
        """Nothing is kept open."""

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status; what the portal writes back is not read."""
        target, extensions = self._target(httpx2.URL(url))
        headers["host"] = httpx2.URL(url).netloc.decode()
        try:
            with self._http.stream("POST", target, content=body, headers=headers, extensions=extensions) as response:
                return response.status_code
        except httpx2.HTTPError as error:
            raise Away(f"the portal does not answer: {type(error).__name__}") from None

    def _target(self, url: httpx2.URL) -> tuple[httpx2.URL, dict[str, str]]:
        """The address that was checked is the one that is called, whatever the name means a moment later."""
        if url.scheme != "https" and not self._allow_loopback:
            raise Permanent("a webhook is called over https only")
        try:
            found = socket.getaddrinfo(url.host, url.port or None, type=socket.SOCK_STREAM)
        except OSError:
            raise Away("the name of the portal is not known") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allow_loopback and not all(map(is_public, addresses)):
            raise Permanent("a webhook may not lead into private networks")
        return url.copy_with(host=addresses[0]), {"sni_hostname": url.host}


def is_public(address: str) -> bool:
    """Whether ``address`` belongs to the open internet. IPv4 in IPv6 clothes is judged as IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast


class Sms:
    """Short messages, through whatever the province's gateway is: it takes JSON and answers 2xx."""

    name = "sms"

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=False)

    def server(self, _to: Addressee) -> str:
        return "sms"

    def send(self, notice: Notice, to: Addressee) -> None:
        text = f"{notice.subject}. {to.link}"
        try:
            status = self._http.post(self._url, json={"id": str(notice.id), "to": to.address, "text": text}).status_code
        except httpx2.HTTPError as error:
            raise Away(f"the SMS gateway does not answer: {type(error).__name__}") from None
        if not 200 <= status < 300:
            never = 400 <= status < 500 and status not in {401, 403, 408, 429}
            raise (Permanent if never else Temporary)(f"the SMS gateway answers {status}")

    def rest(self) -> None:
        """Connections are kept for the next ones."""


def _judge(status: int) -> None:
    """Anything but 2xx is tried again for days, as Standard Webhooks has it; 410 ends it."""
    if status == GONE:
        raise Gone("the portal answers 410: gone")
    if not 200 <= status < 300:
        raise Temporary(f"the portal answers {status}")
