"""The one place that commits. HTTP, the bus and time all come through here:

    inbox → handler → outbox, in one transaction, for as many messages as are waiting.

A handler takes a message and a session and returns what the service has to say about it. If anything in a batch raises,
the batch is rolled back and done again one by one, so that a poison message never hurts its neighbours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
from sqlalchemy.orm import Session

from shared import mailbox, metrics, tracing
from shared.bus import Delivery
from shared.database import Sessions, is_outage
from shared.envelope import CURRENT, Envelope, Malformed
from shared.errors import NotYet, Refused
from shared.mailbox import Held
from shared.messages import Message, Request, RequestDone, RequestRefused, Tick
from shared.reception import as_first_sent, opened, reopened

Handler = Callable[[Any, Session], Sequence[Message]]
Preload = Callable[[Sequence[Message], Session], None]
Result = TypeVar("Result")
Outcome = bool | Exception  # handled now (True), handled before (False), or why not

LADDER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
# What waits for another message: longer than that one may climb the ladder, or a clock be set back; counted in tries, because clocks jump.
EARLY = (timedelta(seconds=5),) * 120 + (timedelta(minutes=1),) * 90 + (timedelta(minutes=10),) * 36
SUSPECT = 2  # deliveries that ended without an acknowledgement: run alone, it may be what kills us

MOMENT, ENVELOPE = "moment", "envelope"  # in session.info

log = structlog.get_logger()


class Crashed(Refused):
    """Not a rule's word but a poison's work; treated alike: never retried unasked."""

    code = "crashed"


def moment(session: Session, message: Message) -> datetime:
    """When ``message`` takes effect here: the time at which it is handled, never before the time it states."""
    handled_at: datetime | None = session.info.get(MOMENT)
    return max(handled_at, message.at) if handled_at else message.at


def envelope_of(session: Session) -> Envelope:
    """The message that is handled just now, with its name: for who passes it on."""
    envelope: Envelope = session.info[ENVELOPE]
    return envelope


def _nothing(_messages: Sequence[Message], _session: Session) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Handling:
    """What one service understands, and where it writes. ``committed`` is called after each commit that said something.

    ``preload`` may load and lock all rows a batch needs, in one order (``shared.rows.Rows`` does).
    """

    service: str
    handlers: Mapping[type, Handler]
    sessions: Sessions
    preload: Preload = field(default=_nothing)
    committed: Callable[[], None] = field(default=lambda: None)

    def run(self, work: Callable[[Session], Sequence[Message]], *, cause: Envelope | None = None) -> int:
        """Commit ``work`` and what it says, all or nothing; how much it said."""
        with tracing.transaction(self.service) as begin, self.sessions.begin() as session:
            said = work(session)
            envelopes = [Envelope.of(message, source=self.service, cause=cause) for message in said]
            mailbox.post(session, begin(envelopes, verb="say", is_root=not (cause or CURRENT.get())))
        if said:
            self.committed()
        return len(said)

    def keep(self, work: Callable[[Session], Result]) -> Result:
        """Commit ``work`` that has nothing to say; what it returns."""
        with self.sessions.begin() as session:
            return work(session)

    def together(self, envelopes: Sequence[Envelope], at: datetime | None = None) -> list[Outcome]:
        """Handle ``envelopes`` in one transaction; whether each was new. Raises what a handler raises, and then nothing is kept."""
        with tracing.transaction(self.service) as begin, self.sessions.begin() as session:
            session.info[MOMENT] = at
            new = mailbox.receive(session, [envelope.id for envelope in envelopes])
            fresh = begin(_first_of_each(envelopes, new))
            self.preload([envelope.message for envelope in fresh], session)
            said = [answer for envelope in fresh for answer in self._answers(envelope, session)]
            session.flush()
            mailbox.post(session, said)
        if said:
            self.committed()
        return _new_ones(envelopes, new)

    def batch(self, envelopes: Sequence[Envelope], at: datetime | None = None) -> list[Outcome]:
        """Handle all in one transaction, or each in its own when something raises. Raises only when the database is away."""
        try:
            with metrics.handling(self.service, len(envelopes)):
                return self.together(envelopes, at)
        except Exception as error:
            if is_outage(error):
                raise
            if len(envelopes) == 1:
                return [error]
        return [outcome for envelope in envelopes for outcome in self.batch([envelope], at)]

    def deliveries(self, deliveries: Sequence[Delivery], at: datetime) -> None:
        """Handle what came from the bus at ``at``. When this returns, every delivery is handled or held and may be acknowledged."""
        seen = [(delivery, opened(delivery, at)) for delivery in deliveries]
        for delivery, refusal in seen:
            if isinstance(refusal, Refused):
                self._settle(delivery, None, refusal, at)
        good = [(delivery, envelope) for delivery, envelope in seen if isinstance(envelope, Envelope)]
        for group in _groups(good):
            for (delivery, envelope), outcome in zip(group, self.batch([envelope for _, envelope in group], at), strict=True):
                metrics.handled(self.service, envelope.message, outcome, at)
                if isinstance(outcome, Exception):
                    self._settle(delivery, envelope, outcome, at)

    def park(self, deliveries: Sequence[Delivery], at: datetime) -> None:
        """Keep, unhandled, what ended this service's process again and again; a person decides whether it is tried once more."""
        for delivery in map(as_first_sent, deliveries):
            envelope = opened(delivery, at)
            known = envelope if isinstance(envelope, Envelope) else None
            self._settle(delivery, known, Crashed("it ended this service's process every time it was handled"), at)

    def retry_due(self, at: datetime) -> int:
        """Try again, one transaction each, the held messages whose time has come; how many were tried."""
        with self.sessions() as session:
            waiting = mailbox.due(session, at)
        return sum(self._retry(held, at) for held in waiting)

    def tick(self, at: datetime) -> int:
        """Do what is due at ``at``; how much was said. One failing deadline never holds up the others."""
        handler = self.handlers.get(Tick)
        if handler is None:
            return 0
        try:
            return self.run(lambda session: handler(Tick(at=at), session))
        except Exception as error:
            if is_outage(error):
                raise
            return self._tick_singly(handler, Tick(at=at))

    def _answers(self, envelope: Envelope, session: Session) -> list[Envelope]:
        message = envelope.message
        handler = self.handlers.get(type(message))
        if handler is None:
            raise Malformed(f"{self.service} does not understand {message.topic}", code="not_understood")
        session.info[ENVELOPE] = envelope
        said = list(handler(message, session))
        if _came_by_queue(envelope, self.service):
            said.append(RequestDone(report_id=message.report_id, at=message.at, agency=_agency(message)))
        return [Envelope.of(answer, source=self.service, cause=envelope) for answer in said]

    def _settle(self, delivery: Delivery, envelope: Envelope | None, error: Exception, at: datetime) -> None:
        """Hold the message, answer a refused agency, and remember the message as received, in one transaction."""
        held = _next_try(_kept(delivery, envelope, at), error, at)

        def keep(session: Session) -> Sequence[Message]:
            if envelope is not None and not mailbox.receive(session, [envelope.id]):
                return []
            mailbox.hold(session, held)
            return _refusal(envelope, error)

        self._hold(keep, held, envelope)

    def _retry(self, held: Held, at: datetime) -> bool:
        envelope = None
        try:
            envelope = reopened(held)
            self._again(envelope, held, at)
        except Exception as error:
            if is_outage(error):
                raise
            self._put_back(held, envelope, error, at)
            return False
        return True

    def _again(self, envelope: Envelope, held: Held, at: datetime) -> None:
        with tracing.transaction(self.service) as begin, self.sessions.begin() as session:
            if not mailbox.claim(session, held.message_id, at):
                return
            session.info[MOMENT] = at
            self.preload([envelope.message], session)
            [begun] = begin([envelope])
            mailbox.post(session, self._answers(begun, session))
            mailbox.release(session, held.message_id)
            session.flush()
        self.committed()

    def _put_back(self, held: Held, envelope: Envelope | None, error: Exception, at: datetime) -> None:
        later = _next_try(held, error, at)

        def keep(session: Session) -> Sequence[Message]:
            mailbox.hold(session, later)
            return _refusal(envelope, error)

        self._hold(keep, later, envelope)

    def _hold(self, keep: Callable[[Session], Sequence[Message]], held: Held, envelope: Envelope | None) -> None:
        parked = held.due_at is None
        names = envelope.names if envelope else {}
        log.warning("message held", key=held.routing_key, message_id=held.message_id, code=held.code, parked=parked, **names)
        self.run(keep, cause=envelope)
        metrics.held(self.service, held.code, parked=parked)

    def _tick_singly(self, handler: Handler, tick: Tick) -> int:
        said = skip = 0
        for _ in range(tick.limit):
            single = tick.model_copy(update={"limit": 1, "skip": skip})
            try:
                said += self.run(lambda session, single=single: handler(single, session))  # type: ignore[misc]  # bound now on purpose
            except Exception as error:
                if is_outage(error):
                    raise
                log.exception("a deadline failed; it is tried again at the next tick", skip=skip)
                metrics.held(self.service, "tick", parked=False)
                skip += 1
        return said


def _first_of_each(envelopes: Sequence[Envelope], new: set[UUID]) -> list[Envelope]:
    first: dict[UUID, Envelope] = {}
    for envelope in envelopes:
        first.setdefault(envelope.id, envelope)
    return [envelope for id_, envelope in first.items() if id_ in new]


def _new_ones(envelopes: Sequence[Envelope], new: set[UUID]) -> list[Outcome]:
    """True at the first place of each new id."""
    first = {envelope.id: index for index, envelope in reversed(list(enumerate(envelopes)))}
    return [envelope.id in new and first[envelope.id] == index for index, envelope in enumerate(envelopes)]


def _groups(opened: Sequence[tuple[Delivery, Envelope]]) -> list[list[tuple[Delivery, Envelope]]]:
    """Suspects each alone and first, then all others together."""
    suspects = [[pair] for pair in opened if pair[0].attempts >= SUSPECT]
    others = [pair for pair in opened if pair[0].attempts < SUSPECT]
    return [*suspects, others] if others else suspects


def _kept(delivery: Delivery, envelope: Envelope | None, at: datetime) -> Held:
    """The same body is held once; its name is ours, not what a stranger wrote on it."""
    return Held(
        message_id=str(envelope.id if envelope else uuid5(NAMESPACE_OID, sha256(delivery.body).hexdigest())),
        exchange=delivery.exchange,
        routing_key=delivery.routing_key,
        sender=delivery.sender,
        body=delivery.body,
        received_at=at,
        attempts=0,
        due_at=None,
        code="",
        reason="",
    )


def _next_try(held: Held, error: Exception, at: datetime) -> Held:
    """Refused: parked. Early, or anything else: up a ladder of its own, then parked.

    What was early and now fails otherwise, or the other way round, begins anew.
    """
    code, reason = (error.code, error.detail) if isinstance(error, Refused) else (type(error).__name__, str(error))
    early = isinstance(error, NotYet)
    tried = held.attempts if early == (held.code == NotYet.__name__) else 0
    kept = {name: getattr(held, name) for name in Held.__slots__}
    ladder = () if isinstance(error, Refused) else EARLY if early else LADDER
    due_at = at + ladder[tried] if tried < len(ladder) else None
    return Held(**kept | {"attempts": tried + 1, "due_at": due_at, "code": code, "reason": reason[:2000]})


def _refusal(envelope: Envelope | None, error: Exception) -> Sequence[Message]:
    if envelope is None or not isinstance(error, Refused) or not isinstance(envelope.message, Request):
        return []
    message = envelope.message
    return [RequestRefused(report_id=message.report_id, at=message.at, agency=_agency(message), code=error.code, reason=error.detail)]


def _came_by_queue(envelope: Envelope, service: str) -> bool:
    """A request of an agency that waits for its answer in the agency's queue; over HTTP the response is the answer."""
    message = envelope.message
    return isinstance(message, Request) and message.actor.startswith("agency:") and envelope.source != service


def _agency(message: Message) -> str:
    return getattr(message, "actor", "").removeprefix("agency:")
