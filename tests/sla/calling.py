"""sla over HTTP as tests call it: its whole application on a real PostgreSQL, with a clock that stands where the test puts it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from services.sla import store
from services.sla.__main__ import whole_api
from services.sla.handlers import HANDLERS
from services.sla.settings import SlaSettings
from shared.access import TokenVerifier, issue_token, new_key_pair
from shared.database import Sessions
from shared.group_commit import GroupCommit
from shared.handling import Handling
from shared.messages import Message
from shared.watchdog import Watchdog
from shared.web import Desk, Gate, application
from tests.builders import MONDAY, envelope

PRIVATE, PUBLIC = new_key_pair()
ROLES = ("agency:dh", "operator", "auditor", "admin")


@dataclass
class Watch:
    """What time it is."""

    at: datetime = MONDAY + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Caller:
    """Whoever calls, by role; ``agency:dh`` is one."""

    http: TestClient
    watch: Watch
    handling: Handling

    def get(self, role: str, url: str, headers: dict[str, str] | None = None, **wanted: Any) -> Any:
        return self.http.get(url, params=wanted, headers=self.token(role) | (headers or {}))

    def post(self, role: str, url: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(url, json=body if body is not None else {}, headers=self.token(role) | named)

    def tell(self, *messages: Message) -> None:
        """As the bus does."""
        self.handling.together([envelope(message) for message in messages])

    def token(self, role: str) -> dict[str, str]:
        if not role:
            return {}
        signed = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=self.watch.at, lasts=timedelta(hours=1))
        return {"Authorization": f"Bearer {signed}"}


@contextmanager
def calling(rooms: Sessions) -> Iterator[Caller]:
    """The application, running."""
    watch = Watch()
    handling = Handling(service="sla", handlers=HANDLERS, sessions=rooms, preload=store.preload)
    group = GroupCommit(handling, batch=20, limit=100)
    desk = Desk(service="sla", sessions=rooms, commit=group.handle, clock=watch)
    gate = Gate(tokens=TokenVerifier(public_key=PUBLIC, issuer="hoiam", audience="hoiam"), clock=watch)
    settings = SlaSettings(database_url="postgresql://nobody@nowhere/nothing")
    app = application(desk, [whole_api(desk)], gate, settings, group, Watchdog("sla"))
    with TestClient(app, raise_server_exceptions=False) as http:
        yield Caller(http, watch, handling)
