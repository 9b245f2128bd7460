"""The whole pipeline on the embedded bus, which is PostgreSQL alone, beside the same on RabbitMQ."""

from collections.abc import Callable

from services.cli.bench.figures import Figures, JsonFile, keep, ratio, show, spread
from services.cli.bench.pipeline import Round, one_round
from services.cli.bench.stand import machines, stand

Say = Callable[[str], None]


def embedded(reports: int = 1500, rounds: int = 3, rate: int = 20, json_file: JsonFile = None) -> None:
    """Reports a second from POST to the agency's queue, and latency at light load, on the embedded bus and on RabbitMQ in turn."""
    found = measure(reports=reports, rounds=rounds, rate=rate, say=print)
    figures = _figures(found["embedded"], found["rabbitmq"])
    show(figures)
    keep(figures, json_file)


def measure(*, reports: int, rounds: int, rate: int, say: Say) -> dict[str, list[Round]]:
    """Rounds of both, in turn."""
    say("starting PostgreSQL and RabbitMQ …")
    found: dict[str, list[Round]] = {"embedded": [], "rabbitmq": []}
    with machines() as (postgres, rabbit, folder):
        for number in range(rounds):
            for name, broker in (("embedded", None), ("rabbitmq", rabbit)):
                with stand(postgres, broker, folder, f"{name}_{number}", {}) as at:
                    found[name].append(one_round(at, reports, rate))
                say(f"round {number + 1}/{rounds} {name:9} {found[name][-1].throughput:8.1f} reports/s")
    return found


def _figures(ours: list[Round], theirs: list[Round]) -> Figures:
    figures = spread("embedded_per_second", (one.throughput for one in ours), 1)
    for field in ("throughput", "p50", "p99"):
        figures |= ratio(f"{field}_vs_rabbitmq", [getattr(one, field) for one in ours], [getattr(one, field) for one in theirs])
    return figures
