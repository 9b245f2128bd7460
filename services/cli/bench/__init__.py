"""`hoiam bench`: each figure beside a yardstick measured in the same run, because machines differ and are noisy."""

import json
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from services.cli.bench import clocks as clock_bench
from services.cli.bench import intake as intake_bench
from services.cli.bench import notify as notify_bench
from services.cli.bench import reading as reading_bench
from services.cli.bench import routing as routing_bench
from services.cli.bench.pipeline import Round, measure
from services.cli.process import CannotStart
from shared.province import read_province
from shared.settings import PROJECT

JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")]


def pipeline(
    reports: Annotated[int, typer.Option(help="Reports of one round at full speed.")] = 3000,
    rounds: Annotated[int, typer.Option(help="How often both are measured, in turn.")] = 3,
    rate: Annotated[int, typer.Option(help="Reports a second at light load.")] = 10,
    json_file: JsonFile = None,
) -> None:
    """Reports a second from the first POST to the last agency's delivery, and latency at light load: in batches, and one by one."""
    batched, single = measure(reports=reports, rounds=rounds, rate=rate, say=typer.echo)
    figures = _figures(batched, single)
    typer.echo(_table(batched, single, figures))
    _keep(figures, json_file)


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
    typer.echo("\n".join(f"{name:18}{value:>10,}" for name, value in figures.items()))
    _keep(figures, json_file)


def _clock_figures(small: clock_bench.Size, large: clock_bench.Size) -> dict[str, float]:
    """Ratios are of what was measured in the same round; the median of them counts."""
    both = (small, large)
    return {
        "fired_per_second": round(median(1 / cost for size in both for cost in size.fired)),
        "bare_per_second": round(median(1 / cost for size in both for cost in size.bare)),
        "idle_tick_ms": round(median(cost for size in both for cost in size.idle) * 1000, 2),
        "vs_bare_sql": round(median(bare / fired for size in both for bare, fired in zip(size.bare, size.fired, strict=True)), 3),
        "idle_growth": round(median(b / a for a, b in zip(small.idle, large.idle, strict=True)), 2),
        "fire_growth": round(median(b / a for a, b in zip(small.fired, large.fired, strict=True)), 2),
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
    figures = {f"{name}_per_second": round(median(one.throughput for one in of), 1) for name, of in found.items()}
    figures |= {f"{name}_p99_ms": round(median(one.p99 for one in of), 1) for name, of in found.items()}
    for name, ratio, field in (
        ("throughput_vs_plain", "plain", "throughput"),
        ("p99_vs_plain", "plain", "p99"),
        ("throughput_vs_echo", "echo", "throughput"),
    ):
        pairs = zip(found["intake"], found[ratio], strict=True)
        figures[name] = round(median(getattr(a, field) / getattr(b, field) for a, b in pairs), 2)
    if many:
        took = reading_bench.measure(few=few, many=many, rounds=3 * rounds, say=typer.echo)
        growth = {f"growth of {name}": round(large / small, 2) for name, (small, large) in took.items()}
        figures |= growth | {"read_growth": max(growth.values())}
    typer.echo("\n".join(f"{name:42}{value:>10,}" for name, value in figures.items()))
    _keep(figures, json_file)


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
    figures: dict[str, float] = {
        "notices_per_second": round(median(delivered)),
        "bare_per_second": round(median(bare)),
        "vs_bare_loop": round(median(a / b for a, b in zip(delivered, bare, strict=True)), 2),
    }
    if ordeal:
        figures |= _ordeal_figures(notify_bench.ordeal_alone(notices=ordeal, say=typer.echo))
    typer.echo("\n".join(f"{name:22}{value:>10,}" for name, value in figures.items()))
    _keep(figures, json_file)


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
    figures = {
        f"decisions_per_second_{size.rules}_rules_{size.areas}_areas": round(median(1 / cost for cost in size.costs))
        for size in (small, large)
    }
    growth = {"cost_growth": round(median(b / a for a, b in zip(small.costs, large.costs, strict=True)), 2)}
    typer.echo("\n".join(f"{name:54}{value:>10,}" for name, value in (figures | growth).items()))
    _keep(figures | growth, json_file)


def _keep(figures: dict[str, float], json_file: Path | None) -> None:
    if json_file:
        json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _figures(batched: list[Round], single: list[Round]) -> dict[str, float]:
    """Ratios are of rounds measured one after the other; the median of them counts."""
    pairs = list(zip(batched, single, strict=True))
    return {
        "throughput": round(median(a.throughput for a in batched), 1),
        "throughput_one_by_one": round(median(b.throughput for b in single), 1),
        "throughput_vs_one_by_one": round(median(a.throughput / b.throughput for a, b in pairs), 2),
        "p50_ms": round(median(a.p50 for a in batched), 2),
        "p99_ms": round(median(a.p99 for a in batched), 2),
        "p50_vs_one_by_one": round(median(a.p50 / b.p50 for a, b in pairs), 2),
        "p99_vs_one_by_one": round(median(a.p99 / b.p99 for a, b in pairs), 2),
    }


def _table(batched: list[Round], single: list[Round], figures: dict[str, float]) -> str:
    rows = [f"{'':14}{'reports/s (min–max)':>26}{'p50 ms':>16}{'p99 ms':>18}"]
    for name, rounds in (("batches", batched), ("one by one", single)):
        cells = (_spread([getattr(r, field) for r in rounds]) for field in ("throughput", "p50", "p99"))
        rows.append(f"{name:14}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, (26, 16, 18), strict=True)))
    vs = [figures[f"{name}_vs_one_by_one"] for name in ("throughput", "p50", "p99")]
    rows.append(f"{'ratio':14}" + "".join(f"{f'{ratio:.2f} ×':>{width}}" for ratio, width in zip(vs, (26, 16, 18), strict=True)))
    return "\n".join(rows)


def _spread(values: list[float]) -> str:
    return f"{median(values):.1f} ({min(values):.0f}–{max(values):.0f})"
