"""`python -m tests.faults.real.wrapped <service>`: the service as it is shipped, again whenever it dies, its seams laid open.

Nothing of this is in the service: it is put around the functions of the runtime here, so what ships has no switch to be left on.
``FAULTS_FOLDER`` holds a file for each point at which the process is to die (it takes the file with it), ``shift`` with the seconds the
clock is off, and what is counted. ``FAULTS_GAP`` widens the moments in which a death hurts; ``FAULTS_FLAW`` makes a broken build.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import shared.clock

SERVICE = sys.argv[1] if __name__ == "__main__" else ""
FOLDER = Path(os.environ.get("FAULTS_FOLDER", "/nowhere"))
GAP = float(os.environ.get("FAULTS_GAP", "0"))
FLAW = os.environ.get("FAULTS_FLAW", "")
NO_INBOX, ACK_FIRST, NO_CONFIRMS, ID_CURSOR = FLAWS = ("inbox off", "ack before commit", "no confirms", "outbox by id cursor")

OF_CONSUMER = ("consumer.taken", "consumer.before_commit", "consumer.after_commit", "consumer.acknowledged")
OF_RELAY = ("relay.selected", "relay.between_confirms", "relay.confirmed", "relay.deleting", "relay.deleted")
OF_TIME = ("ticker.before_commit", "ticker.after_commit")
OF_HTTP = ("http.before_commit", "http.after_commit")
OF_WORK = ("work.before_commit", "work.after_commit")
POINTS = {  # everywhere a process of the service can die with something half done
    "intake": (*OF_HTTP, *OF_RELAY, *OF_CONSUMER, *OF_TIME, *OF_WORK),
    "routing": (*OF_RELAY, *OF_CONSUMER, *OF_TIME),
    "sla": (*OF_HTTP, *OF_RELAY, *OF_CONSUMER, *OF_TIME, *OF_WORK),
    "notify": (*OF_RELAY, *OF_CONSUMER, *OF_TIME, *OF_WORK, "work.sent"),
}
WIDE = {
    "consumer.before_commit",
    "consumer.after_commit",
    "relay.between_confirms",
    "relay.confirmed",
    "relay.deleting",
    "http.after_commit",
}
ROLES = {"consumer": "consumer", "crashed": "crashed", "group-commit": "http", "relay": "relay", "MainThread": "main"}


def point(name: str) -> None:
    """Here the process dies, if it is to; else it tarries where that makes a death likelier to hurt."""
    try:
        (FOLDER / f"{SERVICE}.{name}").unlink()
    except FileNotFoundError:
        if GAP and name in WIDE:
            time.sleep(GAP)
        return
    os.kill(os.getpid(), signal.SIGKILL)


def role() -> str:
    """Of the loop this thread is."""
    name = threading.current_thread().name
    return "ticker" if name.startswith("ticker") else ROLES.get(name, "work")


def count(what: str, number: int) -> None:
    if number:
        with (FOLDER / f"counted.{what}").open("a") as file:
            file.write(f"{number}\n")


def lay_open_time() -> None:
    """Before anything imports it."""
    true = shared.clock.now

    def shifted() -> datetime:
        try:
            return true() + timedelta(seconds=float((FOLDER / "shift").read_text() or 0))
        except FileNotFoundError:
            return true()

    shared.clock.now = shifted


def lay_open_commits() -> None:
    from sqlalchemy import event

    import shared.service

    made = shared.service.sessions

    def watched(of: Any) -> Any:
        maker = made(of)
        event.listen(maker, "before_commit", lambda _: point(f"{role()}.before_commit"))
        event.listen(maker, "after_commit", lambda _: point(f"{role()}.after_commit"))
        return maker

    shared.service.sessions = watched


def lay_open_consuming() -> None:
    from shared.bus.receiving import Consumer

    take, ack = Consumer.take, Consumer.ack

    def taken(self: Any, limit: int, wait: float) -> Any:
        deliveries = take(self, limit, wait)
        if deliveries and FLAW == ACK_FIRST:
            ack(self, deliveries)
        if deliveries:
            point("consumer.taken")
        return deliveries

    def acknowledged(self: Any, deliveries: Any) -> None:
        if FLAW != ACK_FIRST:
            ack(self, deliveries)
        point("consumer.acknowledged")

    Consumer.take, Consumer.ack = taken, acknowledged  # type: ignore[method-assign]


def lay_open_inbox() -> None:
    from shared import mailbox

    receive = mailbox.receive

    def received(session: Any, names: Any) -> Any:
        new = receive(session, names)
        count("http" if role() == "http" else "stopped", len(names) - len(new))
        return set(names) if FLAW == NO_INBOX else new

    mailbox.receive = received


def lay_open_relaying() -> None:
    from shared import mailbox
    from shared.bus.rabbitmq import _Publisher
    from shared.relay import Relay

    waiting, sent, note, publish = mailbox.waiting, mailbox.sent, Relay._note, _Publisher.publish

    def selected(session: Any, *, limit: int, **others: Any) -> Any:
        rows = _behind_cursor(session, limit) if FLAW == ID_CURSOR else waiting(session, limit=limit, **others)
        if rows:
            point("relay.selected")
        return rows

    def deleted(session: Any, ids: Any) -> None:
        sent(session, ids)
        point("relay.deleting")

    def noted(self: Any, session: Any, rows: Any, verdicts: Any) -> None:
        point("relay.confirmed")
        note(self, session, rows, verdicts)
        point("relay.deleted")

    def published(self: Any, letters: Any, *, timeout: float = 10.0) -> list[str]:
        if FLAW == NO_CONFIRMS:
            self._connection.tell(partial(self._send, letters, lambda _: None))
            return [""] * len(letters)
        half = len(letters) // 2
        verdicts = publish(self, letters[:half], timeout=timeout) if half else []
        if half:
            point("relay.between_confirms")
        return verdicts + publish(self, letters[half:], timeout=timeout)

    mailbox.waiting, mailbox.sent = selected, deleted
    Relay._note, _Publisher.publish = noted, published  # type: ignore[method-assign]


def _behind_cursor(session: Any, limit: int) -> Any:
    """The broken way: whatever got a lower number and was committed later is never seen."""
    from sqlalchemy import text

    from shared import mailbox
    from shared.bus import Letter

    note = FOLDER / f"cursor.{SERVICE}"
    last = int(note.read_text()) if note.exists() else 0
    found = session.execute(text("SELECT * FROM outbox WHERE id > :last ORDER BY id LIMIT :limit"), {"last": last, "limit": limit}).all()
    if found:
        note.write_text(str(found[-1].id))
    assert mailbox.outbox is not None
    return [(row.id, Letter(**{name: getattr(row, name) for name in Letter.__slots__} | {"body": bytes(row.body)})) for row in found]


def lay_open_letters() -> None:
    """Sent, and nobody wrote it down."""
    if SERVICE == "notify":
        from services.notify.channels import delivery

        record = delivery.record

        def recorded(*arguments: Any) -> Any:
            point("work.sent")
            return record(*arguments)

        delivery.record = recorded


def main() -> None:
    """Import and lay open everything once, then be the service in one child after the other: whoever was killed is back at once."""
    lay_open_time()
    for lay_open in (lay_open_commits, lay_open_consuming, lay_open_inbox, lay_open_relaying, lay_open_letters):
        lay_open()
    serve = import_module(f"services.{SERVICE}.__main__").main
    while True:
        child = os.fork()
        if not child:
            _end_with_parent()
            serve()
            os._exit(0)
        (FOLDER / f"pid.{SERVICE}").write_text(str(child))
        os.waitpid(child, 0)
        count("deaths", 1)
        time.sleep(0.1)


def _end_with_parent() -> None:
    """Linux's PR_SET_PDEATHSIG: nobody is left behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    main()
