"""RabbitMQ's management API: policies, users and what they may do.

For `hoiam topology apply` and `hoiam agency provision`; no service has an account that may do this.
"""

import re
import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx2

from shared.bus import REQUESTS, BusDown
from shared.bus.topology import CRASHED, Topology, agency_queue
from shared.messages import AGENCY_REQUESTS

DELIVERY_LIMIT = 20
UNLIMITED = 1_000_000  # deliveries; RabbitMQ from 4.0 on drops what passes its limit and has no dead-letter exchange
INBOX_BYTES, AGENCY_BYTES = 1_000_000_000, 100_000_000
SERVICE_LIMITS = {"max-connections": 10}
AGENCY_LIMITS = {"max-connections": 4, "max-channels": 16}
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAY = {  # what each service's user may write to, and read from; expressions are unanchored unless they say so
    "intake": (r"^hoiam\.events$", r"^intake\.(inbox|crashed)$"),
    "routing": (r"^hoiam\.events$", r"^routing\.(inbox|crashed)$"),
    "sla": (r"^hoiam\.(events|agencies)$", r"^(sla\.(inbox|crashed)|agency\.crashed)$"),
    "notify": (r"^hoiam\.events$", r"^notify\.(inbox|crashed)$"),
}
NOTHING = "^$"


class Management:
    """``url`` is http://user:password@host:15672 of an administrator. Every method raises :class:`BusDown` saying what to do."""

    def __init__(self, url: str, vhost: str = "hoiam") -> None:
        parts = urlsplit(url)
        self._where = f"{parts.scheme}://{parts.hostname}:{parts.port or 15672}"
        self._vhost = vhost
        self._http = httpx2.Client(base_url=url.rstrip("/"), timeout=10, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def set_policies(self, topology: Topology) -> None:
        """Limits and dead letters of every queue: a full one refuses what is published, which then waits in an outbox.

        One policy applies to a queue, the one with the highest priority: that of the queues where dead letters lie.
        """
        for inbox in (queue for queue in topology.queues if queue.endswith(".inbox")):
            self.set_policy(inbox, f"^{re.escape(inbox)}$", _limits(inbox.removesuffix(".inbox"), INBOX_BYTES))
        self.set_policy("agencies", r"^agency\.[a-z0-9-]+$", _limits("agency", AGENCY_BYTES))
        self.set_policy("kept", r"^(.+\.crashed|unrouted)$", {"delivery-limit": UNLIMITED}, priority=1)

    def set_policy(self, name: str, pattern: str, definition: Mapping[str, Any], *, priority: int = 0) -> None:
        """For the queues that ``pattern``, a regular expression, finds."""
        policy = {"pattern": pattern, "definition": definition, "priority": priority, "apply-to": "queues"}
        self._ask("PUT", "policies", self._vhost, name, body=policy)

    def put_user(self, name: str, password: str, tags: str = "") -> None:
        """Make the user, or change its password and tags (``administrator``, ``monitoring``, …; commas between)."""
        self._ask("PUT", "users", name, body={"password": password, "tags": tags})

    def delete_user(self, name: str) -> None:
        """It can't come back; :meth:`close_connections` ends what it has open. None by that name is fine."""
        self._ask("DELETE", "users", name, missing_is_fine=True)

    def set_permissions(self, user: str, *, configure: str = NOTHING, write: str = NOTHING, read: str = NOTHING) -> None:
        """Regular expressions for the names of queues and exchanges."""
        body = {"configure": configure, "write": write, "read": read}
        self._ask("PUT", "permissions", self._vhost, user, body=body)

    def set_topic_permissions(self, user: str, exchange: str, *, write: str = NOTHING, read: str = NOTHING) -> None:
        """Regular expressions for routing keys. A user without any for an exchange may use every key there."""
        self._ask("PUT", "topic-permissions", self._vhost, user, body={"exchange": exchange, "write": write, "read": read})

    def set_limits(self, user: str, limits: Mapping[str, int]) -> None:
        """``max-connections`` and ``max-channels``."""
        for name, value in limits.items():
            self._ask("PUT", "user-limits", user, name, body={"value": value})

    def close_connections(self, user: str) -> None:
        """What is open keeps the rights it was opened with."""
        for connection in self._ask("GET", "connections").json():
            if connection.get("user") == user:
                self._ask("DELETE", "connections", connection["name"], missing_is_fine=True)

    def provision_agency(self, code: str) -> str:
        """Create the user ``agency.<code>`` or change its password, which is returned and kept nowhere.

        It may read its own queue and publish requests under its own code, and nothing else. Its open connections end.
        Raises :class:`ValueError` for what can't be an agency's code.
        """
        user, password = _agency_user(code), secrets.token_urlsafe(24)
        verbs = "|".join(kind.topic for kind in AGENCY_REQUESTS)
        self.put_user(user, secrets.token_urlsafe(24))  # nobody's, until its rights are narrowed
        self.set_topic_permissions(user, REQUESTS, write=rf"^{code}\.({verbs})$")
        self.set_permissions(user, write=rf"^{re.escape(REQUESTS)}$", read=f"^{re.escape(agency_queue(code))}$")
        self.set_limits(user, AGENCY_LIMITS)
        self.put_user(user, password)
        self.close_connections(user)
        return password

    def revoke_agency(self, code: str) -> None:
        """Its user is gone and its connections end; its queue stays, for whoever follows it."""
        user = _agency_user(code)
        self.delete_user(user)
        self.close_connections(user)

    def permit_services(self, passwords: Mapping[str, str]) -> None:
        """A user ``svc.<name>`` for each service in ``passwords``, with exactly the rights of :data:`MAY`."""
        for service, password in passwords.items():
            user, (write, read) = f"svc.{service}", MAY[service]
            self.put_user(user, password)
            self.set_permissions(user, write=write, read=read)
            self.set_limits(user, SERVICE_LIMITS)

    def user_names(self) -> set[str]:
        """Everybody who may log in."""
        return {str(user["name"]) for user in self._ask("GET", "users").json()}

    def permissions(self) -> dict[str, tuple[str, str, str]]:
        """What each user of this vhost may configure, write to and read from."""
        found = self._ask("GET", "vhosts", self._vhost, "permissions").json()
        return {right["user"]: (right["configure"], right["write"], right["read"]) for right in found}

    def prune_bindings(self, topology: Topology) -> None:
        """Take away bindings of the queues of ``topology`` that it doesn't name. The nameless exchange's can't be."""
        named = {(binding.exchange, binding.pattern, binding.queue) for binding in topology.bindings}
        for binding in self._ask("GET", "bindings", self._vhost).json():
            key = binding["source"], binding["routing_key"], binding["destination"]
            if binding["source"] and key not in named and binding["destination"] in topology.queues:
                where = ("e", binding["source"], "q", binding["destination"], binding["properties_key"])
                self._ask("DELETE", "bindings", self._vhost, *where, missing_is_fine=True)

    def _ask(self, method: str, *path: str, body: object = None, missing_is_fine: bool = False) -> httpx2.Response:
        address = "/api/" + "/".join(quote(part, safe="") for part in path)
        try:
            answer = self._http.request(method, address, json=body)
        except httpx2.HTTPError as error:
            raise BusDown(f"RabbitMQ's management API at {self._where} can't be reached ({error}): is MANAGEMENT_URL right?") from error
        if answer.is_error and not (missing_is_fine and answer.status_code == httpx2.codes.NOT_FOUND):
            raise BusDown(f"RabbitMQ refused {method} {address}: {_advice(answer)}")
        return answer


def _limits(crashed: str, size: int) -> dict[str, Any]:
    """Dead letters are moved at least once, which needs ``reject-publish``: with anything else RabbitMQ quietly moves at most once."""
    return {
        "delivery-limit": DELIVERY_LIMIT,
        "max-length-bytes": size,
        "overflow": "reject-publish",
        "dead-letter-exchange": CRASHED,
        "dead-letter-routing-key": crashed,
        "dead-letter-strategy": "at-least-once",
    }


def _agency_user(code: str) -> str:
    if not CODE.fullmatch(code) or code == "crashed":
        raise ValueError(f"{code!r} can't be an agency's code: small letters, digits and single dashes, and not `crashed`")
    return agency_queue(code)


def _advice(answer: httpx2.Response) -> str:
    advice = {
        httpx2.codes.UNAUTHORIZED: "user and password in MANAGEMENT_URL are not right, or the user has no tag `administrator`",
        httpx2.codes.FORBIDDEN: "the user in MANAGEMENT_URL needs the tag `administrator`",
        httpx2.codes.NOT_FOUND: "no such thing; does the vhost exist?",
    }
    return advice.get(httpx2.codes(answer.status_code), f"{answer.status_code} {answer.text[:300]}")
