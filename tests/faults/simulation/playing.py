"""A story played: each step as it says, then everything heals and goes on until nobody has more to say."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import text

from services.intake.domain import report as of_intake
from services.intake.domain import reporter
from services.sla import store as sla
from services.sla.domain.case import Case
from services.sla.handlers import make_root
from services.sla.store import scoring
from shared.bus.topology import inbox
from shared.envelope import Envelope, letter
from shared.errors import Refused
from shared.handling import Handling
from shared.messages import Location, Message, Tick
from tests.faults.simulation.bus import Parcel
from tests.faults.simulation.story import SERVICES, Step, Story
from tests.faults.simulation.world import World
from tests.sla.ways import OF_AGENCIES, REQUESTS, about, may

NAMES = UUID("018f0000-0000-7000-8000-000000000000")
ROUNDS = 400  # of settling: more than any story needs, so one that needs more is stuck
WORDS: Mapping[type[Message], dict[str, Any]] = {  # what a reporter does with the link
    of_intake.AddComment: {"text": "Vẫn còn hỏng"},
    reporter.WithdrawReport: {"reason": "Đã tự sửa"},
    reporter.RateAnswer: {"rating": 3, "reasons": ()},
    reporter.ObjectToAnswer: {"reason": "Đèn vẫn tắt"},
}


class Stuck(Exception):  # noqa: N818 - said as it is meant
    """It healed, and still is not quiet."""


class Play:
    """``accepted``: the reports that were answered with yes. ``asked``: what was asked of whom, so that it can be asked again."""

    def __init__(self, world: World) -> None:
        world.begin()
        self.world = world
        self.accepted: set[UUID] = set()
        self.asked: list[tuple[str, Envelope]] = []
        self.unanswered: list[tuple[str, Envelope]] = []

    def play(self, story: Story) -> None:
        """Raises :class:`Stuck`."""
        for step in story:
            self.step(step)
        self.settle()

    def step(self, step: Step) -> None:
        getattr(self, f"_do_{step.what}")(step)

    # --- people -------------------------------------------------------------------------------------------------------------

    def _do_post(self, step: Step) -> None:
        """The same report under the same name, however often it is sent."""
        report_id = _report_id(step.who)
        known = next((envelope for _, envelope in self.asked if envelope.id == report_id), None)
        envelope = known or Envelope.named(a_report(step.who, self.world.now), report_id, source="intake")
        self._ask("intake", envelope, step)

    def _do_ask(self, step: Step) -> None:
        case, random = self._case(_report_id(step.who)), Random(step.number)
        if case is None:
            return
        if random.random() < 0.25:
            kind = random.choice(list(WORDS))
            words = WORDS[kind] | ({"comment_id": _name(step)} if kind is of_intake.AddComment else {})
            said: Message = kind(report_id=case.report_id, at=self.world.now, **words)
            self._ask("intake", Envelope.named(said, _name(step), source="intake"), step)
            return
        likely = [kind for kind in REQUESTS if may(kind, case)]
        kind = random.choice(likely if likely and random.random() < 0.9 else REQUESTS)
        extra = {"leader_id": _report_id((step.who + 1) % 6)} if kind.topic == "merge" else {}
        self._ask("sla", Envelope.named(about(kind, case, self.world.now, **extra), _name(step), source="sla"), step)

    def _do_again(self, step: Step) -> None:
        if self.asked:
            service, envelope = self.asked[step.number % len(self.asked)]
            self._ask(service, envelope, step)

    def _ask(self, service: str, envelope: Envelope, step: Step) -> None:
        if (service, envelope) not in self.asked:
            self.asked.append((service, envelope))
        if isinstance(envelope.message, OF_AGENCIES):
            sender = envelope.message.actor.replace(":", ".")
            self.world.bus.put(letter(replace(envelope, source="agency")), sender)
            return
        outcome = self.world.ask(service, envelope, step.how, step.number)
        if outcome is None or (isinstance(outcome, Exception) and not isinstance(outcome, Refused)):
            self.unanswered.append((service, envelope))
        elif isinstance(envelope.message, of_intake.ReceiveReport):
            assert isinstance(outcome, bool), outcome
            self.accepted.add(envelope.message.report_id)

    # --- services -----------------------------------------------------------------------------------------------------------

    def _do_relay(self, step: Step) -> None:
        self.world.relay(step.who, step.how, step.number)

    def _do_deliver(self, step: Step) -> None:
        self.world.deliver(step.who, step.how, step.number)

    def _do_tick(self, step: Step) -> None:
        self.world.tick(step.who, step.how, step.number)

    def _do_work(self, step: Step) -> None:
        for service, job in self._jobs():
            self.world.work(service, job, step.how if service == step.who else "", step.number)

    def _do_flow(self, _: Step) -> None:
        for service in SERVICES:
            self.world.relay(service)
        for service in SERVICES:
            self.world.deliver(service, number=19)

    def _jobs(self) -> list[tuple[str, Callable[[Handling], object]]]:
        now = self.world.now
        return [
            ("sla", lambda handling: handling.keep(scoring.score_some)),
            ("sla", lambda handling: handling.run(lambda session: make_root(Tick(at=now), session))),
        ]

    # --- time and the bus ---------------------------------------------------------------------------------------------------

    def _do_wait(self, step: Step) -> None:
        self._go_on(timedelta(seconds=1 + step.number % 1200))

    def _do_jump(self, step: Step) -> None:
        """A night, a weekend, an outage of two days; or a clock that was set back."""
        hours = (-2, -1, 9, 26, 49, 24 * 8)[step.number % 6]
        self._go_on(timedelta(hours=hours))

    def _go_on(self, time: timedelta) -> None:
        self.world.now += time
        self.world.unblock()

    def _do_twin(self, step: Step) -> None:
        queue = self._queue(step)
        if queue:
            queue.append(queue[step.number % len(queue)])

    def _do_shuffle(self, step: Step) -> None:
        Random(step.number).shuffle(self._queue(step))

    def _do_delay(self, step: Step) -> None:
        queue = self._queue(step)
        if queue:
            place = step.number % len(queue)
            queue[place] = replace(queue[place], not_before=self.world.now + timedelta(minutes=step.number % 8))

    def _queue(self, step: Step) -> list[Parcel]:
        return self.world.bus.queues[inbox(step.who)]

    # --- the end ------------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Heal, and go on to the end."""
        self.world.unblock()
        for _ in range(ROUNDS):
            if not self._turn() and not self._go_on_to_what_is_due():
                return
        raise Stuck(f"not quiet after {ROUNDS} rounds: {self._waiting()}")

    def _turn(self) -> int:
        """One round in which nothing goes wrong; how much was done."""
        done, again = len(self.unanswered), self.unanswered
        self.unanswered = []
        for service, envelope in again:
            self._ask(service, envelope, Step(what="again", who=0))
        for service in SERVICES:
            done += self.world.relay(service) + self.world.deliver(service, number=19) + self.world.tick(service)
        for service, job in self._jobs():
            self.world.work(service, job)
        return done + len(self.world.spoke)

    def _go_on_to_what_is_due(self) -> bool:
        """To the next try of a held message or to what the bus delays."""
        late = [parcel.not_before for queue in self.world.bus.queues.values() for parcel in queue if parcel.not_before]
        moments = [*late, *filter(None, map(self._next_try, SERVICES))]
        if not moments:
            return False
        self._go_on(max(min(moments) - self.world.now, timedelta(seconds=1)))
        return True

    def _next_try(self, service: str) -> datetime | None:
        with self.world.rooms(service)() as session:
            found: datetime | None = session.scalar(text("SELECT min(due_at) FROM held"))
            return found

    def _waiting(self) -> dict[str, int]:
        return {queue: len(parcels) for queue, parcels in self.world.bus.queues.items() if parcels}

    def _case(self, report_id: UUID) -> Case | None:
        with self.world.rooms("sla")() as session:
            return sla.known_case(session, report_id)


def a_report(number: int, at: datetime) -> of_intake.ReceiveReport:
    """Of a portal, checked, with somebody to be told; every fourth nobody can route."""
    return of_intake.ReceiveReport(
        report_id=_report_id(number), at=at, tracking_code=f"QT-{number}", portal="app", key=f"k{number}", fingerprint="f",
        category="CS01", description="Đèn đường hỏng ba ngày nay", location=Location(area="dh" if number % 4 else ""), attributes={},
        urgent=number == 2, sealed="sealed", language="vi", external_ref="",
    )  # fmt: skip


def _report_id(number: int) -> UUID:
    return uuid5(NAMES, str(number))


def _name(step: Step) -> UUID:
    return uuid5(NAMES, str(step))
