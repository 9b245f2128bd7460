"""The four services seen together: which there are, what their queues are bound to, and how a database is made ready for them."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from services.cli.private_postgres import PrivatePostgres
from services.cli.process import CannotStart
from services.cli.up import Layout
from services.intake.handlers import HANDLERS as INTAKE
from services.notify.handlers import HANDLERS as NOTIFY
from services.routing.domain.coverage import defects
from services.routing.handlers import HANDLERS as ROUTING
from services.routing.store import rulesets
from services.sla.handlers import HANDLERS as SLA
from shared import province
from shared.bus import EVENTS, REQUESTS
from shared.bus.postgres import PostgresBus, create_schema
from shared.bus.topology import Binding, Topology, inbox, topology
from shared.database import Sessions, engine, migrate, sessions
from shared.envelope import new_id
from shared.handling import Handler
from shared.messages import AGENCY_REQUESTS, Fact

HANDLERS: Mapping[str, Mapping[type, Handler]] = {"intake": INTAKE, "routing": ROUTING, "sla": SLA, "notify": NOTIFY}
Say = Callable[[str], None]


def listens(service: str) -> list[Binding]:
    """What the inbox of ``service`` is bound to: the facts it has handlers for, and every agency's requests where it handles those."""
    kinds = HANDLERS[service]
    facts = [Binding(EVENTS, kind.topic, inbox(service)) for kind in kinds if issubclass(kind, Fact)]
    requests = [Binding(REQUESTS, f"*.{kind.topic}", inbox(service)) for kind in AGENCY_REQUESTS if kind in kinds]
    return sorted(facts + requests, key=lambda binding: (binding.exchange, binding.pattern))


def whole_topology(of: province.Province) -> Topology:
    """Every queue there is: one a service, one an agency of the province."""
    return topology({service: listens(service) for service in HANDLERS}, of.agencies, called=called(of))


def called(of: province.Province) -> list[str]:
    """The agencies that are called at their webhook, and don't read a queue."""
    return [code for code, agency in of.agencies.items() if agency.webhook]


def migrate_all(url: str, say: Say) -> None:
    """Bring every schema up to date."""
    for service in HANDLERS:
        migrate(url, service)
        say(f"database of {service} is up to date")
    create_schema(url)


def load_all(url: str, of: province.Province, at: datetime, say: Say) -> None:
    """Make ``of`` the province in force, in every service; no new version where nothing changed.

    Raises :class:`CannotStart` when the rules that would be in force then have defects, and changes nothing.
    """
    with room(url, "routing") as rooms, rooms() as session:
        if not _is_loaded(session, of):
            check_rules(rulesets.with_rules_to_be(session, of), at, say)
    for service in HANDLERS:
        with room(url, service) as rooms, rooms.begin() as session:
            version = province.store(session, of, at)
        say(f"{service}: {of.name.vi}, version {version}")
    with room(url, "routing") as rooms, rooms.begin() as session:
        before, now = rulesets.in_force(session), rulesets.load(session, of, at, name=new_id())
    say(
        f"routing: rules {now} in force"
        + (f", in place of {before}: `hoiam routing rollback` takes it back" if before not in {0, now} else "")
    )


def _is_loaded(session: Session, of: province.Province) -> bool:
    """Then nothing changes, and whatever time did to the rules since, a system must start again."""
    try:
        return province.current(session).digest == of.digest
    except province.NoProvince:
        return False


def check_rules(of: province.Province, at: datetime, say: Say) -> None:
    """Say what is wrong with its rules as a whole. Raises :class:`CannotStart` when something is that forbids loading."""
    found = defects(of, at.astimezone(ZoneInfo(of.time_zone)).date())
    for defect in found:
        say(f"rules: {defect.rule}: {defect.text}" if defect.rule else f"rules: {defect.text}")
    if any(defect.forbids for defect in found):
        raise CannotStart("nothing was loaded: the rules have defects (`hoiam routing check` names their lines)")


def apply_embedded(url: str, of: province.Province) -> None:
    """The queues of the embedded bus."""
    PostgresBus(url).apply(whole_topology(of), prune=True)


@contextmanager
def room(url: str, service: str) -> Iterator[Sessions]:
    """Sessions in the schema of ``service``, for a moment."""
    of = engine(url, service, pool=4)
    try:
        yield sessions(of)
    finally:
        of.dispose()


def database_url(layout: Layout) -> str:
    """``DATABASE_URL`` (or what ``DATABASE_URL_FILE`` holds), else the embedded PostgreSQL of ``layout``. Raises :class:`CannotStart`."""
    if given := secret("DATABASE_URL"):
        return given
    if not layout.postgres.exists():
        raise CannotStart(f"No database: set DATABASE_URL, or start the embedded system with `hoiam up` ({layout.folder} is empty).")
    return PrivatePostgres(layout.postgres, port=layout.database_port).url


def secret(name: str, given: str = "") -> str:
    """``given``, or what the file holds that ``<name>_FILE`` names, or the variable itself."""
    path = os.environ.get(f"{name}_FILE")
    if path and not given:
        return Path(path).read_text(encoding="utf-8").strip()
    return given or os.environ.get(name, "")
