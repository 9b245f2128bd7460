"""The benches as commands: their options, and the figures made of what they measured."""

from typing import Annotated

import typer

from services.cli.bench import chains
from services.cli.bench import clocks as clock_bench
from services.cli.bench import intake as intake_bench
from services.cli.bench import notify as notify_bench
from services.cli.bench import reading as reading_bench
from services.cli.bench import routing as routing_bench
from services.cli.bench.embedded import embedded
from services.cli.bench.figures import ENDS, Figures, JsonFile, keep, ratio, show, spread
from services.cli.bench.footprint import footprint
from services.cli.bench.journey import journey
from services.cli.bench.pipeline import Round, measure
from services.cli.bench.proof import proof
from services.cli.bench.scorecard import scorecard
from services.cli.bench.whole import whole
from services.cli.process import CannotStart
from shared.province import read_province
from shared.settings import PROJECT

app = typer.Typer(no_args_is_help=True)


def pipeline(
    reports: Annotated[int, typer.Option(help="Reports of one round at full speed.")] = 3000,
    rounds: Annotated[int, typer.Option(help="How often all are measured, in turn.")] = 3,
    rate: Annotated[int, typer.Option(help="Reports a second at light load.")] = 10,
    peers: Annotated[bool, typer.Option(help="Also measure what others would have used; `make bench` installs it.")] = chains.are_there(),
    json_file: JsonFile = None,
) -> None:
    """Reports a second from the first POST to the last agency's delivery, and latency at light load: in batches, one by one, and beside
    chains of three stages in Celery, in FastStream and in a loop by hand."""
    if peers and not chains.are_there():
        raise CannotStart("the peers are not installed: run `make .peers/.ready`, or add --no-peers")
    found = measure(reports=reports, rounds=rounds, rate=rate, beside=chains.PEERS if peers else (), say=typer.echo)
    figures = _figures(found)
    show(figures)
    keep(figures, json_file)


def clocks(
    few: Annotated[int, typer.Option(help="Open clocks of the small installation.")] = 10_000,
    many: Annotated[int, typer.Option(help="Open clocks of the large one.")] = 1_000_000,
    due: Annotated[int, typer.Option(help="Clocks that speak in one round.")] = 500,
    rounds: Annotated[int, typer.Option(help="How often both are measured, in turn.")] = 5,
    json_file: JsonFile = None,
) -> None:
    """What an idle tick and a fired clock cost with few and with many open, beside a bare SQL loop that writes an event row a clock."""
    if 3 * due * (rounds + 1) > few:
        raise CannotStart(f"--few must be at least {3 * due * (rounds + 1):,}: three times the clocks of all rounds and a warm-up")
    small, large = clock_bench.measure(few=few, many=many, due=due, rounds=rounds, say=typer.echo)
    figures = _clock_figures(small, large)
    show(figures)
    keep(figures, json_file)


def _clock_figures(small: clock_bench.Size, large: clock_bench.Size) -> Figures:
    """Ratios are of what was measured in the same round; the median of them counts."""
    fired, bare = small.fired + large.fired, small.bare + large.bare
    return {
        **spread("fired_per_second", (1 / cost for cost in fired), 0),
        **spread("bare_per_second", (1 / cost for cost in bare), 0),
        **spread("idle_tick_ms", (cost * 1000 for cost in small.idle + large.idle)),
        **ratio("vs_bare_sql", bare, fired, 3),
        **ratio("idle_growth", large.idle, small.idle),
        **ratio("fire_growth", large.fired, small.fired),
    }


def intake(
    reports: Annotated[int, typer.Option(help="Requests of one round.")] = 4000,
    rounds: Annotated[int, typer.Option(help="How often all are measured, in turn.")] = 5,
    connections: Annotated[int, typer.Option(help="Clients at the same time.")] = 32,
    few: Annotated[int, typer.Option(help="Reports of a small installation that is read.")] = 10_000,
    many: Annotated[int, typer.Option(help="Reports of a large one; 0 reads nothing.")] = 1_000_000,
    json_file: JsonFile = None,
) -> None:
    """Durable POST/s and p99 of intake, beside a plain endpoint with a commit each, and beside one that stores nothing; then what reading
    takes with few and with many reports."""
    found = intake_bench.measure(reports=reports, rounds=rounds, connections=connections, say=typer.echo)
    figures: Figures = {}
    for name, of in found.items():
        figures |= spread(f"{name}_per_second", (one.throughput for one in of), 1) | spread(f"{name}_p99_ms", (one.p99 for one in of), 1)
    for name, yardstick, field in (
        ("throughput_vs_plain", "plain", "throughput"),
        ("p99_vs_plain", "plain", "p99"),
        ("throughput_vs_echo", "echo", "throughput"),
    ):
        ours, theirs = ([getattr(one, field) for one in found[way]] for way in ("intake", yardstick))
        figures |= ratio(name, ours, theirs)
    if many:
        took = reading_bench.measure(few=few, many=many, rounds=3 * rounds, say=typer.echo)
        growth = {f"growth of {name}": round(large / small, 2) for name, (small, large) in took.items()}
        figures |= growth | {"read_growth": max(growth.values())}
    show(figures)
    keep(figures, json_file)


def notify(
    notices: Annotated[int, typer.Option(help="Notices of one round.")] = 2000,
    rounds: Annotated[int, typer.Option(help="How often both are measured, in turn.")] = 5,
    ordeal: Annotated[
        int, typer.Option(help="Notices to a receiver that fails 30 %, hangs on 5 % and is killed once; 0: leave it.")
    ] = 10_000,
    json_file: JsonFile = None,
) -> None:
    """Webhooks delivered a second, beside a bare loop over the same channel; and whether every notice arrives, once, whatever happens."""
    delivered, bare = notify_bench.measure(notices=notices, rounds=rounds, say=typer.echo)
    figures = spread("notices_per_second", delivered, 0) | spread("bare_per_second", bare, 0) | ratio("vs_bare_loop", delivered, bare)
    if ordeal:
        figures |= _ordeal_figures(notify_bench.ordeal_alone(notices=ordeal, say=typer.echo))
    show(figures)
    keep(figures, json_file)


def _ordeal_figures(of: notify_bench.Ordeal) -> dict[str, float]:
    return {
        "ordeal_posted": of.posted,
        "ordeal_arrived": of.arrived,
        "ordeal_strangers": of.strangers,
        "ordeal_repeated": of.repeated,
        "ordeal_replayed": of.replayed,
        "ordeal_seconds": round(of.seconds, 1),
        "ordeal_memory_mb": round(of.memory[-1] / 1e6, 1),
        "ordeal_grown_mb": round(of.grown / 1e6, 1),
    }


def routing(
    few: Annotated[int, typer.Option(help="Rules of the small installation.")] = 100,
    many: Annotated[int, typer.Option(help="Rules of the large one.")] = 10_000,
    few_areas: Annotated[int, typer.Option(help="Areas, each a polygon, of the small one.")] = 10,
    many_areas: Annotated[int, typer.Option(help="Areas of the large one.")] = 1_000,
    rounds: Annotated[int, typer.Option(help="How often both are measured, in turn.")] = 7,
    json_file: JsonFile = None,
) -> None:
    """Decisions a second with few rules and polygons, and with a hundred times as many."""
    province = read_province(PROJECT / "deploy/provinces/quang-tri")
    small, large = routing_bench.measure(province, small=(few, few_areas), large=(many, many_areas), rounds=rounds)
    figures = ratio("growth", large.costs, small.costs)
    for size in (small, large):
        figures |= spread(f"decisions_per_second_{size.rules}_rules_{size.areas}_areas", (1 / cost for cost in size.costs), 0)
    show(figures)
    keep(figures, json_file)


def _figures(found: dict[str, list[Round]]) -> Figures:
    """Ratios are of rounds measured one after the other; the median of them counts."""
    ours = found["batches"]
    figures = spread("throughput", (one.throughput for one in ours), 1)
    figures |= spread("p50_ms", (one.p50 for one in ours)) | spread("p99_ms", (one.p99 for one in ours))
    for name in (name for name in found if name != "batches"):
        theirs = found[name]
        figures |= spread(f"throughput_{name}", (one.throughput for one in theirs), 1)
        figures |= spread(f"p50_{name}_ms", (one.p50 for one in theirs)) | spread(f"p99_{name}_ms", (one.p99 for one in theirs))
        for field in ("throughput", "p50", "p99"):
            figures |= ratio(f"{field}_vs_{name}", [getattr(one, field) for one in ours], [getattr(one, field) for one in theirs])
    return figures | {f"vs_{name}{end}": figures[f"throughput_vs_{name}{end}"] for name in chains.PEERS if name in found for end in ENDS}


for command in (pipeline, clocks, intake, notify, routing, journey, embedded, scorecard, footprint, proof):
    app.command()(command)
app.command("all")(whole)
