"""notify's delivery: notices a second beside a bare loop over the same channel, and an ordeal in which every notice arrives once."""

import logging
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import Popen
from uuid import UUID, uuid4

import structlog
from sqlalchemy import func, select

from services.cli.bench.receiver import ids, repetitions
from services.cli.bench.stand import answering, empty_database, only_postgres
from services.cli.process import LOOPBACK, free_port, spawn
from services.cli.system import migrate_all
from services.notify import handlers, store
from services.notify.channels import Addressee
from services.notify.channels.choice import ToWebhooks
from services.notify.channels.delivery import Delivery, no_ways
from services.notify.channels.webhooks import Webhooks
from services.notify.domain.notices import WEBHOOK, Notice, State
from services.notify.domain.webhooks import Replay, Webhook
from services.notify.store import sending
from shared.clock import now
from shared.database import Sessions, engine, sessions
from shared.envelope import new_id
from shared.handling import Handling
from shared.privacy import SealingKeys, new_key
from shared.settings import PROJECT

Say = Callable[[str], None]
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - of nobody
FAILS, HANGS, HANG_SECONDS = 0.3, 0.05, 1.0
TOGETHER = timedelta(hours=1)  # what comes again within an hour is sent in one go
PAGE = 4096  # bytes


@dataclass(kw_only=True)
class Clock:
    """The real time, and what was skipped of it."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return now() + self.ahead

    def skip_to(self, at: datetime) -> None:
        """Nothing would happen before."""
        self.ahead += max(at - self(), timedelta(0))


@dataclass(kw_only=True)
class Portal:
    """A receiver that can be killed and comes back at the same port, with what it had taken."""

    folder: Path
    fail: float = 0
    hang: float = 0
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/news"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def start(self) -> Popen[bytes]:
        """A new process; it answers."""
        log = self.folder / "receiver.log"
        command = [sys.executable, "-m", "services.cli.bench.receiver", str(self.port), str(self.ledger), str(self.fail), str(self.hang)]
        with log.open("ab") as output:
            process = spawn([*command, SECRET], environment={"PATH": "/usr/bin:/bin"}, folder=PROJECT, output=output)
        answering(self.port, "/", log)
        return process


@dataclass(frozen=True, kw_only=True)
class Office:
    """notify with one webhook. ``deliver`` is its loop."""

    handling: Handling
    deliver: Delivery
    webhook_id: UUID
    channel: Webhooks
    clock: Clock

    def post(self, count: int) -> list[UUID]:
        """So many notices, each about a report of its own; their ids."""
        at = self.clock()
        made = [_notice(self.webhook_id, at) for _ in range(count)]
        self.handling.keep(lambda session: session.add_all(made))
        return [notice.id for notice in made]

    def next_at(self) -> datetime | None:
        """When there is something to do again; None: everything is out or has failed."""
        with self.handling.sessions() as session:
            due_at = session.scalar(select(func.min(store.notices.c.due_at)).where(store.notices.c.state == State.PENDING))
            shut = session.scalar(select(func.max(store.endpoints.c.shut_until)))
        return max(due_at, shut or due_at) if due_at else None

    def replay(self) -> int:
        """Send again what failed for good; how many."""
        at = self.clock()
        asked = Replay(report_id=self.webhook_id, at=at, since=at - timedelta(days=30), until=at)
        with self.handling.sessions.begin() as session:
            count = sending.count(session, sending.to_replay(asked))
            handlers.replay(asked, session)
        return count


@dataclass(frozen=True, kw_only=True)
class Ordeal:
    """What became of ``posted`` notices. ``arrived`` are those the receiver took, each counted once by its id, ``strangers`` what nobody
    posted. ``repeated`` calls had been taken, but their answer came too late or was lost with the receiver, which knew them by their id. By
    bad luck a notice may fail at every try: those were ``replayed``. ``memory`` are bytes, after each go."""

    posted: int
    arrived: int
    strangers: int
    repeated: int
    replayed: int
    seconds: float
    memory: Sequence[int]

    @property
    def grown(self) -> int:
        """Bytes more at the end than after the first go."""
        return self.memory[-1] - self.memory[0]


@contextmanager
def office(url: str, receiver_url: str) -> Iterator[Office]:
    """On a database with notify's schema."""
    of = engine(url, "notify")
    rooms, keys, clock, webhook_id = sessions(of), SealingKeys.parse(new_key("bench")), Clock(), uuid4()
    with rooms.begin() as session:
        session.add(_webhook(webhook_id, receiver_url, keys))
    channel = Webhooks(clock=now, allow_loopback=True, seconds=HANG_SECONDS)
    deliver = Delivery(channel, address=ToWebhooks(keys=keys, clock=clock), ways=no_ways, clock=clock, each=channel.at_once)
    yield Office(handling=_handling(rooms), deliver=deliver, webhook_id=webhook_id, channel=channel, clock=clock)
    of.dispose()


def measure(*, notices: int, rounds: int, say: Say) -> tuple[list[float], list[float]]:
    """Notices a second, delivered and in the bare loop, in turn; a first round warms both up."""
    delivered, bare = list[float](), list[float]()
    with only_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        url = empty_database(postgres, "notify")
        migrate_all(url, lambda _: None)
        portal = Portal(folder=Path(folder))
        process = portal.start()
        with office(url, portal.url) as of:
            for number in range(rounds + 1):
                delivered.append(notices / _timed(lambda: of.deliver.turn(of.handling), before=lambda: of.post(notices)))
                bare.append(notices / _timed(lambda: _bare(of, portal.url, notices)))
                say(f"round {number}/{rounds}: delivered {delivered[-1]:,.0f}/s, bare loop {bare[-1]:,.0f}/s")
        process.kill()
        process.wait()
    return delivered[1:], bare[1:]


def ordeal(url: str, folder: Path, *, notices: int, say: Say) -> Ordeal:
    """A receiver that fails, hangs and is killed once when it has half of them. Back-off is not waited for: the clock skips it."""
    portal = Portal(folder=folder, fail=FAILS, hang=HANGS)
    process, began, memory = portal.start(), time.perf_counter(), list[int]()
    with office(url, portal.url) as of:
        posted = of.post(notices)
        over = threading.Event()
        killer = threading.Thread(target=_kill_and_revive, args=(portal, process, notices // 2, over))
        killer.start()
        replayed = 0
        while (at := of.next_at()) is not None:
            of.clock.skip_to(at + TOGETHER)
            of.deliver.turn(of.handling)
            say(f"{len(ids(portal.ledger)):,} of {notices:,} arrived, {_resident() / 1e6:.0f} MB")
            memory.append(_resident())
            replayed += of.replay() if of.next_at() is None else 0
        over.set()
        killer.join()
    arrived = ids(portal.ledger)
    known = {f"msg_{id_.hex}" for id_ in posted}
    return Ordeal(
        posted=notices,
        arrived=len(known & set(arrived)),
        strangers=len(arrived) - len(known & set(arrived)),
        repeated=repetitions(portal.ledger),
        replayed=replayed,
        seconds=time.perf_counter() - began,
        memory=memory,
    )


def ordeal_alone(*, notices: int, say: Say) -> Ordeal:
    """On a PostgreSQL of its own with safe settings."""
    with only_postgres() as postgres, tempfile.TemporaryDirectory() as folder, quiet():
        url = empty_database(postgres, "ordeal")
        migrate_all(url, lambda _: None)
        return ordeal(url, Path(folder), notices=notices, say=say)


@contextmanager
def quiet() -> Iterator[None]:
    """What fails on purpose is not logged."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)


def _kill_and_revive(portal: Portal, process: Popen[bytes], when: int, over: threading.Event) -> None:
    """A process ends with the thread that started it, so this one stays until it is ``over``."""
    while len(ids(portal.ledger)) < when:
        time.sleep(0.05)
    process.kill()
    process.wait()
    again = portal.start()
    over.wait()
    again.kill()
    again.wait()


def _bare(of: Office, url: str, count: int) -> None:
    """What anybody would write first: send one after the other, remember nothing."""
    at, to = now(), Addressee(address=url, secrets=(SECRET,))
    for _ in range(count):
        of.channel.send(_notice(of.webhook_id, at), to)


def _notice(webhook_id: UUID, at: datetime) -> Notice:
    report_id = new_id()
    body = f'{{"type": "case.assigned", "timestamp": "{at.isoformat()}", "data": {{"report_id": "{report_id}", "status": "routed"}}}}'
    return Notice(
        id=new_id(),
        report_id=report_id,
        webhook_id=webhook_id,
        about="case.assigned",
        channel=WEBHOOK,
        language="vi",
        subject="",
        body=body,
        created_at=at,
        due_at=at,
    )


def _webhook(id_: UUID, url: str, keys: SealingKeys) -> Webhook:
    return Webhook(id=id_, portal="bench", url=url, sealed=keys.seal(SECRET, about=str(id_)), created_at=now())


def _handling(rooms: Sessions) -> Handling:
    return Handling(service="notify", handlers=handlers.HANDLERS, sessions=rooms, preload=store.preload)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def _timed(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    before()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
