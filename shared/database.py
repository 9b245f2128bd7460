"""One PostgreSQL, a schema and a role per service. Sessions see only their own schema."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from shared.rows import tell, write

Sessions = sessionmaker[Session]
RESTED, RESTS = "rested since", 1.0  # seconds after which a connection of the pool is not trusted unasked
SERVICES = Path(__file__).parent.parent / "services"
GUARDS = "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000"
KEEPALIVE = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,  # milliseconds; the one that notices a cut network
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def role(service: str) -> str:
    """The database role that owns nothing and may use the tables of ``service`` only."""
    return f"hoiam_{service}"


def psycopg_url(url: str) -> str:
    """``url`` as SQLAlchemy wants it, whatever of the usual spellings it came in."""
    return "postgresql+psycopg2://" + url.split("://", 1)[1]


def engine(url: str, service: str, *, pool: int = 10) -> Engine:
    """A pool of at most ``pool`` connections that act as the role of ``service`` in its schema, in UTC."""
    options = f"-c role={role(service)} -c search_path={service},public -c timezone=UTC {GUARDS}"
    connect = {"options": options, "application_name": f"hoiam-{service}", **KEEPALIVE}
    made = create_engine(
        psycopg_url(url),
        connect_args=connect,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        executemany_mode="values_plus_batch",
        hide_parameters=True,  # what people wrote has no place in error messages
    )
    event.listen(made, "checkin", _rest)
    event.listen(made, "checkout", _wake)
    return made


def _rest(_connection: Any, record: ConnectionPoolEntry | None) -> None:
    if record:
        record.info[RESTED] = time.monotonic()


def _wake(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """A connection that rested is asked whether it still lives: a restarted database or a cut network is met here, not in the middle."""
    if time.monotonic() - record.info.pop(RESTED, math.inf) < RESTS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.rollback()
    except psycopg2.Error as error:
        raise InvalidatePoolError(f"the connection ended while it was not used: {error}") from None


def sessions(of: Engine) -> Sessions:
    """Sessions that keep loaded rows usable after the commit, write what changed of ``shared.rows`` before it, and tell of it after."""
    maker = sessionmaker(of, expire_on_commit=False)
    event.listen(maker, "before_commit", write)
    event.listen(maker, "after_commit", tell)
    return maker


def migrate(url: str, service: str, *, revision: str = "head") -> None:
    """Bring the schema of ``service`` up to date (or to ``revision``), as the owner.

    Two at once are fine: the second waits and finds nothing to do.
    """
    from alembic.command import upgrade  # here, because services never migrate and needn't carry it
    from alembic.config import Config

    owner = create_engine(psycopg_url(url), connect_args=dict(KEEPALIVE))
    try:
        with owner.begin() as connection:
            _prepare(connection, service)
            config = Config(attributes={"connection": connection, "service": service})
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.set_main_option("version_locations", str(SERVICES / service / "migrations"))
            config.set_main_option("path_separator", "os")
            upgrade(config, revision)
            _grant(connection, service)
    finally:
        owner.dispose()


def _prepare(connection: Connection, service: str) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('hoiam.migrate'))"))
    create_role(connection, role(service))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
    connection.execute(text(f"SET LOCAL search_path TO {service}, public"))


def create_role(connection: Connection, name: str) -> None:
    """A role without login, which the caller may act as. Roles belong to the whole server, so it may be there already."""
    if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}):
        connection.execute(text(f"CREATE ROLE {name} NOLOGIN"))
    connection.execute(text(f"GRANT {name} TO CURRENT_USER"))


def _grant(connection: Connection, service: str) -> None:
    """All rows of all tables, but nothing of their shape; the append-only tables give up UPDATE and DELETE again in their migration."""
    name = role(service)
    connection.execute(text(f"GRANT USAGE ON SCHEMA {service} TO {name}"))
    tables = connection.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = :schema AND tablename <> 'alembic_version'"), {"schema": service}
    ).all()
    for table in tables:
        kept = connection.scalar(text("SELECT obj_description(to_regclass(:table))"), {"table": f"{service}.{table}"})
        rights = "SELECT, INSERT" if kept == APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        connection.execute(text(f"GRANT {rights} ON {service}.{table} TO {name}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {name}"))


APPEND_ONLY = "append-only"  # the comment on a table whose rows the service may never change or delete


@contextmanager
def advisory_lock(connection: Connection, name: str) -> Iterator[bool]:
    """Whether this connection leads by ``name`` now. A session lock: it ends with the connection, however that ends."""
    key = {"name": f"hoiam.{name}"}
    leads = bool(connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), key))
    connection.commit()
    try:
        yield leads
    finally:
        if leads and not connection.invalidated:
            connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), key)
            connection.commit()


def is_outage(error: BaseException) -> bool:
    """Whether the database failed rather than the statement: nobody's message is to blame, and later it will do.

    SQLSTATE classes: 08 connection, 53 resources (disk full, too many connections), 57P server going or coming; 25006: a standby that takes
    over is not the first yet.
    """
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "pgcode", None)
    if state is None:
        return error.connection_invalidated or isinstance(error, OperationalError)
    return state[:2] in {"08", "53"} or state[:3] == "57P" or state == "25006"
