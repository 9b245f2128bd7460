"""A process that logs on every way there is: HTTP, the bus, the relay and time. Its argument is the URL of a database with sla's schema."""

import sys
import threading
from contextlib import ExitStack, closing
from dataclasses import replace

from fastapi import APIRouter
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from shared import logs
from shared.access import TokenVerifier
from shared.bus import EVENTS
from shared.bus.postgres import PostgresBus, create_schema
from shared.bus.topology import Binding, topology
from shared.database import engine, sessions
from shared.group_commit import GroupCommit
from shared.handling import Handling
from shared.messages import RequestDone, Tick
from shared.relay import Relay
from shared.settings import Settings
from shared.watchdog import Watchdog
from shared.web import Desk, Gate, application
from tests.builders import MONDAY, delivered, envelope, received

REPORT = "01a21312-dd90-70e7-8496-e5da30cf264c"
HTTP, BUS, RELAY = (f"00-{digit * 32}-{digit * 16}-01" for digit in "abc")
SECRET = "gọi cho chị Yến"  # what somebody wrote; no log may have it


def break_down(message: object, _session: Session) -> list[object]:
    written = SECRET  # in the frame of the traceback
    raise RuntimeError(f"{type(message).__name__} of {len(written)} letters")


def main(url: str) -> None:
    logs.configure("sla", "json")
    of = engine(url, "sla")
    handling = Handling(service="sla", handlers={type(received()): break_down, Tick: break_down}, sessions=sessions(of))
    over_http(handling)
    handling.deliveries([delivered(replace(envelope(received(report_id=REPORT, portal=SECRET)), traceparent=BUS))], MONDAY)
    handling.tick(MONDAY)
    over_the_relay(url, handling)
    of.dispose()


def over_http(handling: Handling) -> None:
    router = APIRouter()

    @router.get("/v1/cases/{report_id}")
    def case(report_id: str) -> None:
        written = SECRET
        raise RuntimeError(f"{report_id} and {len(written)}")

    desk = Desk(service="sla", sessions=handling.sessions, commit=lambda _envelope: None)  # type: ignore[arg-type]
    gate = Gate(tokens=TokenVerifier(public_key="", issuer="", audience=""))
    gate.routes["GET /v1/cases/{report_id}"] = gate.routes["GET /healthz"]
    settings = Settings(database_url="postgresql://nowhere/at-all")
    app = application(desk, [router], gate, settings, GroupCommit(handling, batch=1, limit=10), Watchdog("sla"))
    with TestClient(app, raise_server_exceptions=False) as client:
        client.get(f"/v1/cases/{REPORT}", headers={"traceparent": HTTP})
        client.get(f"/v1/cases/{SECRET}", params={"q": SECRET})


def over_the_relay(url: str, handling: Handling) -> None:
    create_schema(url)
    bus = PostgresBus(url)
    bus.apply(topology({"sla": [Binding(EVENTS, "report.#", "sla.inbox")]}, []))
    done = RequestDone(report_id=REPORT, at=MONDAY, agency="nobody")
    cause = replace(envelope(received()), traceparent=RELAY)
    handling.run(lambda _session: [done], cause=cause)
    with ExitStack() as stack:
        of = engine(url, "sla")
        stack.callback(of.dispose)
        session = stack.enter_context(Session(of))
        publisher = stack.enter_context(closing(bus.publisher("sla")))
        Relay("sla", of, bus, threading.Event(), at_once=10).send(session, publisher)


if __name__ == "__main__":
    main(sys.argv[1])
