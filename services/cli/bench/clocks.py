"""Firing clocks: what one costs, and that neither it nor an idle tick costs more when a hundred times as many are open."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, text

from services.cli.bench.stand import empty_database, only_postgres
from services.cli.private_postgres import PrivatePostgres
from services.cli.system import load_all, migrate_all
from services.sla import store
from services.sla.handlers import HANDLERS
from shared.database import engine, psycopg_url, sessions
from shared.handling import Handling
from shared.province import read_province
from shared.service import calm_collector
from shared.settings import PROJECT

Say = Callable[[str], None]
BEGIN = datetime(2026, 11, 17, 9, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))  # a Tuesday: the next half day begins long after the last round
AT_ONCE, IDLE_TICKS = 500, 200
FILL = Path(__file__).with_name("clocks.sql")
_BARE = text(
    """
    WITH due AS (SELECT id FROM bare.clocks WHERE next_at <= :at ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED),
    fired AS (UPDATE bare.clocks SET step = step + 1, next_at = next_at + interval '60 days' FROM due WHERE clocks.id = due.id
              RETURNING clocks.id, step)
    INSERT INTO bare.events (clock_id, at, step) SELECT id, :at, step FROM fired
    """
)


@dataclass(kw_only=True)
class Size:
    """So many clocks ``open``, and what was measured with them in each round, in seconds: an idle tick, a fired clock, a clock in the
    bare SQL loop."""

    open: int
    handling: Handling
    owner: Engine
    idle: list[float] = field(default_factory=list)
    fired: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def measure(self, at: datetime, due: int) -> None:
        """One round; ``due`` clocks speak ``at`` its time."""
        self.idle.append(median(_timed(lambda: self.handling.tick(BEGIN - timedelta(days=1))) for _ in range(IDLE_TICKS)))
        self.fired.append(_timed(lambda: _until_quiet(self.handling, at)) / due)
        with self.owner.connect() as connection:
            self.bare.append(_timed(lambda: _claim_all(connection, at)) / due)

    def line(self) -> str:
        """The last round in words."""
        idle, fired, bare = self.idle[-1], self.fired[-1], self.bare[-1]
        return f"{self.open:>9,} open: idle tick {idle * 1000:.2f} ms, {1 / fired:,.0f} clocks/s, bare SQL {1 / bare:,.0f}/s"


def measure(*, few: int, many: int, due: int, rounds: int, say: Say) -> tuple[Size, Size]:
    """Both sizes in turn, each in a database of its own on one PostgreSQL with safe settings; a first round warms both up."""
    with only_postgres() as postgres, ExitStack() as stack:
        few_open, many_open = (stack.enter_context(_size(postgres, open_, due, rounds + 1, say)) for open_ in (few, many))
        calm_collector()  # as a service does once it has started
        for number in range(rounds + 1):
            for size in (few_open, many_open):
                size.measure(BEGIN + timedelta(seconds=number), due)
                say(f"round {number}/{rounds} {size.line()}")
        for size in (few_open, many_open):
            size.idle, size.fired, size.bare = size.idle[1:], size.fired[1:], size.bare[1:]
        return few_open, many_open


@contextmanager
def _size(postgres: PrivatePostgres, open_: int, due: int, rounds: int, say: Say) -> Iterator[Size]:
    url = empty_database(postgres, f"clocks_{open_}")
    migrate_all(url, lambda _: None)
    load_all(url, read_province(PROJECT / "deploy/provinces/quang-tri"), BEGIN, lambda _: None)
    say(f"opening {open_:,} cases …")
    _fill(url, {"open": open_, "due": due, "rounds": rounds, "begin": BEGIN})
    of, owner = engine(url, "sla"), create_engine(psycopg_url(url))
    yield Size(open=open_, owner=owner, handling=Handling(service="sla", handlers=HANDLERS, sessions=sessions(of), preload=store.preload))
    of.dispose()
    owner.dispose()


def _fill(url: str, of: dict[str, object]) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        for statement in (FILL.read_text(encoding="utf-8"), "VACUUM ANALYZE", "CHECKPOINT"):
            cursor.execute(statement, of)


def _until_quiet(handling: Handling, at: datetime) -> None:
    while handling.tick(at):
        pass


def _claim_all(connection: Connection, at: datetime) -> None:
    fired = 1
    while fired:
        fired = connection.execute(_BARE, {"at": at, "limit": AT_ONCE}).rowcount
        connection.commit()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
