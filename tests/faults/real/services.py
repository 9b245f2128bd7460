"""Faults of the services themselves: killed anywhere, killed at each named point, told to stop, stopped like a machine that sleeps."""

from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from tests.faults.real.field import Field
from tests.faults.real.system import SERVICES, pause
from tests.faults.real.wrapped import POINTS
from tests.wait import until


def kills(number: int, *, every: int = 12):
    """kill -9 of any service, some reports apart."""

    def inject(field: Field) -> int:
        for n in range(number):
            field.after(field.random.randrange(1, every))
            field.of.signal(field.random.choice(SERVICES), SIGKILL)
            if n % 5 == 4:
                field.of.await_ready()
                field.recover()
        field.of.await_ready()
        field.recover()
        return number

    return inject


def points(chosen: dict[str, tuple[str, ...]] = POINTS):
    """Every service dies at every point it has: of each one, side by side."""

    def inject(field: Field) -> int:
        turns = range(max(map(len, chosen.values())))
        for turn in turns:
            _die(field, {name: of[turn] for name, of in chosen.items() if turn < len(of)})
            field.recover()
        return sum(map(len, chosen.values()))

    return inject


def _die(field: Field, at: dict[str, str]) -> None:
    """The file goes with the process. Some tickers write only when they begin."""
    armed = [field.of.arm(service, point) for service, point in at.items()]
    for service, point in at.items():
        if point.startswith("ticker"):
            field.of.signal(service, SIGTERM)
    until(lambda: not any(path.exists() for path in armed), 60, what=f"deaths at {at}", every=0.05)
    field.of.await_ready()


def rolling(field: Field) -> int:
    """A new version comes out: each is told to stop, and comes again."""
    for name in SERVICES:
        field.after(5)
        pid = field.of.pid(name)
        field.of.signal(name, SIGTERM)
        until(lambda name=name, pid=pid: field.of.pid(name) not in {pid, None}, 15, what=f"{name} stopped and started")
        field.of.await_ready()
    field.recover()
    return len(SERVICES)


def sleeps(number: int, seconds: float = 3.0):
    """A machine that stands still for a moment, as while it is moved."""

    def inject(field: Field) -> int:
        for n in range(number):
            name = SERVICES[n % len(SERVICES)]
            field.of.signal(name, SIGSTOP)
            pause(seconds)
            field.of.signal(name, SIGCONT)
            field.recover()
        return number

    return inject


def clock(field: Field) -> int:
    """A day ahead, back again, and behind."""
    jumps = (26 * 3600, 0, -2 * 3600, 0)
    for seconds in jumps:
        field.of.shift_clock(seconds)
        field.after(20)
        field.recover()
    return len(jumps)
