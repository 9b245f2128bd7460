"""What the database says: that it answers, is of our time and our release, and gives each service its own rooms only."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from services.cli.doctor.finding import Finding, advice, good, wrong
from services.cli.doctor.place import Away, Place
from services.cli.system import HANDLERS
from shared.database import APPEND_ONLY, SERVICES, role

OLDEST = 15
SKEW = timedelta(seconds=2)
MIGRATE = "run `hoiam migrate` as the owner"
SEALED = {"intake": ("reporters",), "notify": ("contacts", "followers")}


def connection(place: Place) -> Iterator[Finding]:
    """That somebody answers."""
    try:
        with place.connected() as asked:
            version = int(asked.scalar(text("SHOW server_version_num")) or 0) // 10_000
    except Away as reason:
        yield wrong("database", f"does not answer: {reason}", "start it, and check DATABASE_URL: host, port, name, user and password")
        return
    if version < OLDEST:
        yield wrong("database", f"is PostgreSQL {version}", f"upgrade it to {OLDEST} or newer")
    else:
        yield good("database", f"PostgreSQL {version} answers")


def clock(place: Place) -> Iterator[Finding]:
    """That deadlines are counted by one time."""
    with place.connected() as asked:
        before = place.clock()
        theirs = asked.execute(text("SELECT clock_timestamp()")).scalar_one()
        skew = theirs - (before + (place.clock() - before) / 2)
    if abs(skew) > SKEW:
        words = f"the database's clock is {abs(skew).total_seconds():.0f} s {'ahead of' if skew > timedelta() else 'behind'} this machine's"
        yield wrong("clock", words, "synchronise both machines (chrony or systemd-timesyncd), and look which one is wrong")
    else:
        yield good("clock", "this machine and the database agree")


def migrations(place: Place) -> Iterator[Finding]:
    """That the tables are those of this release."""
    with place.connected() as asked:
        behind = False
        for service in HANDLERS:
            here, newest = _version(asked, service), _newest(service)
            if here == newest:
                continue
            behind = True
            words = f"{service} is at {here or 'nothing'}, this release at {newest}"
            yield wrong("migrations", words, "install the release that the database is of, or a newer one" if here > newest else MIGRATE)
        if not behind:
            yield good("migrations", "are all done")


def roles(place: Place) -> Iterator[Finding]:
    """That each service may use its tables, nobody else's, and change no history."""
    with place.connected() as asked:
        faults = [fault for service in HANDLERS for fault in _faults(asked, service)]
    for fault in faults:
        yield wrong("roles", fault, MIGRATE + ", which grants what is needed; what is too much, revoke by hand")
    if not faults:
        yield good("roles", "each service reaches its own tables only, and no history can be changed")


def logins(place: Place) -> Iterator[Finding]:
    """That whoever acts as one service can't act as another, or as the owner."""
    members = text(
        "SELECT member.rolname AS login, array_agg(DISTINCT role.rolname::text) AS roles, bool_or(member.rolsuper) AS super"
        " FROM pg_auth_members JOIN pg_roles AS member ON member.oid = member JOIN pg_roles AS role ON role.oid = roleid"
        " WHERE member.rolname LIKE 'svc\\_%' GROUP BY 1"
    )
    with place.connected() as asked:
        found = asked.execute(members).all()
    wide = [row.login for row in found if row.super or row.roles != [role(row.login.removeprefix("svc_"))]]
    for login in wide:
        yield wrong("logins", f"{login} may act as more than its service", f"REVOKE every role from {login} but {role(login[4:])}")
    if not found:
        yield advice(
            "logins", "services share one", "give each its own (deploy/postgres/roles.sql): no mistake in one then reaches another"
        )
    elif not wide:
        yield good("logins", f"{len(found)} of services, each for its own role")


def policies(place: Place) -> Iterator[Finding]:
    """That every service has the same province, so the same agencies, rules and deadlines."""
    with place.connected() as asked:
        digests = {service: _digest(asked, service) for service in HANDLERS}
    missing = [service for service, digest in digests.items() if not digest]
    if missing:
        yield wrong("policies", f"no province is loaded in {', '.join(missing)}", "run `hoiam load`, with --province for yours")
    elif len(set(digests.values())) > 1:
        yield wrong("policies", "services have different versions of the province", "run `hoiam load` again, to its end")
    else:
        yield good("policies", "the same province is loaded in every service")


def sealed(place: Place) -> Iterator[Finding]:
    """That what was sealed can be opened."""
    keys = {pair.split(":")[0] for pair in place.setting("sealing_keys").split()}
    with place.connected() as asked:
        used = {name for schema, tables in SEALED.items() for table in tables for name in _seals(asked, f"{schema}.{table}")}
    for name in sorted(used - keys):
        words = f"contacts are sealed with the key {name!r}, which SEALING_KEYS has not"
        yield wrong("sealed", words, "put that key back, behind the first: nobody can read these contacts without")
    if not used - keys:
        yield good("sealed", f"{len(used)} keys in use, all there")


def _is_there(asked: Connection, table: str) -> bool:
    return asked.scalar(text("SELECT to_regclass(:name)"), {"name": table}) is not None


def _version(asked: Connection, service: str) -> str:
    if not _is_there(asked, f"{service}.alembic_version"):
        return ""
    return str(asked.scalar(text(f"SELECT version_num FROM {service}.alembic_version")) or "")  # noqa: S608 - our own names


def _newest(service: str) -> str:
    return max(path.stem for path in Path(SERVICES / service / "migrations").glob("[0-9]*_*.py")).split("_")[0]


def _digest(asked: Connection, service: str) -> str:
    if not _is_there(asked, f"{service}.province"):
        return ""
    return str(asked.scalar(text(f"SELECT digest FROM {service}.province ORDER BY version DESC LIMIT 1")) or "")  # noqa: S608


def _seals(asked: Connection, table: str) -> list[str]:
    if not _is_there(asked, table):
        return []
    return list(asked.scalars(text(f"SELECT DISTINCT split_part(sealed, ':', 1) FROM {table} WHERE sealed <> ''")))  # noqa: S608


def _faults(asked: Connection, service: str) -> Iterator[str]:
    name = role(service)
    if not asked.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}):
        yield f"there is no role {name}"
        return
    if asked.scalar(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :name"), {"name": name}):
        yield f"{name} is a superuser"
    rights = text(
        "SELECT schemaname AS schema, tablename AS table, obj_description(c.oid) = :append_only AS kept,"
        " has_schema_privilege(:role, schemaname, 'USAGE') AND has_table_privilege(:role, c.oid, 'SELECT') AS reads,"
        " has_table_privilege(:role, c.oid, 'INSERT') AS inserts, has_table_privilege(:role, c.oid, 'UPDATE, DELETE, TRUNCATE') AS changes"
        " FROM pg_tables JOIN pg_class AS c ON c.oid = (quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass"
        " WHERE schemaname = ANY(:schemas) AND tablename <> 'alembic_version'"
    )
    for right in asked.execute(rights, {"role": name, "schemas": list(HANDLERS), "append_only": APPEND_ONLY}):
        table = f"{right.schema}.{right.table}"
        if right.schema != service and right.reads:
            yield f"{name} may read {table}"
        elif right.schema == service and not (right.reads and right.inserts):
            yield f"{name} may not read and write {table}"
        elif right.schema == service and right.kept and right.changes:
            yield f"{name} may change {table}, which is history"
