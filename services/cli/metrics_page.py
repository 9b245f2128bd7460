"""docs/metrics.md: every metric of the services, read from where the code makes it, so that none is forgotten."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.settings import PROJECT

KINDS = {
    "Histogram": "histogram",
    "Counter": "counter",
    "CounterMetricFamily": "counter",
    "Gauge": "gauge",
    "GaugeMetricFamily": "gauge",
}
UNITS = {"seconds": "seconds", "bytes": "bytes", "ratio": "share, 0 to 1", "info": "always 1"}
HEAD = """# Metrics

What every service shows Prometheus at `/metrics`, {made}. A histogram is shown as `_bucket`, `_sum` and `_count`.

What a service counts in its tables is the same in each of its processes: take the largest (`max by`). What a process counts itself (all
histograms, and all counters but those of the database) is added up (`sum by`). Beside these there are `process_…` and `python_…` of the
Python client; RabbitMQ shows its own.

Stages of a case: `routing` (received until routed), `taking_up` (routed until taken up), `working` (taken up until submitted), `approving`
(submitted until approved), `answering` (a reporter's message until its answer). A notice on its way is `hoiam_notice_delivery_seconds`.
"""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One metric as it is made in ``where``."""

    name: str
    kind: str
    meaning: str
    labels: tuple[str, ...]
    where: str

    @property
    def unit(self) -> str:
        """By the last word of the name, as Prometheus wants it."""
        return UNITS.get(self.name.removesuffix("_total").rsplit("_", 1)[-1], "number")


def metrics_page(made: str) -> str:
    """The page; ``made`` says that it is not to be edited."""
    groups: dict[str, list[Shown]] = {}
    for one in shown():
        groups.setdefault(one.where, []).append(one)
    parts = [HEAD.format(made=made)]
    for where in sorted(groups, key=lambda name: (name != "every service", name)):
        rows = [_row(one) for one in sorted(groups[where], key=lambda one: one.name)]
        parts.append(
            "\n".join([f"## {where}", "", "| metric | kind | labels | unit | what it is |", "| --- | --- | --- | --- | --- |", *rows])
        )
    return "\n".join([parts[0], "\n\n".join(parts[1:]), ""])


def shown() -> list[Shown]:
    """Every metric the code makes, wherever it does."""
    return [one for path in _sources() for one in _made_in(path)]


def _row(one: Shown) -> str:
    labels = ", ".join(f"`{label}`" for label in one.labels)
    return f"| `{one.name}` | {one.kind} | {labels} | {one.unit} | {one.meaning} |"


def _sources() -> list[Path]:
    services = [path for path in (PROJECT / "services").rglob("*.py") if "cli" not in path.parts]
    return sorted([*(PROJECT / "shared").rglob("*.py"), *services])


def _made_in(path: Path) -> Iterator[Shown]:
    text = path.read_text(encoding="utf-8")
    if "hoiam_" not in text:
        return
    parts = path.relative_to(PROJECT).parts
    where = parts[1] if parts[0] == "services" else "every service"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            yield _shown(node, KINDS[node.func.id], where)


def _shown(call: ast.Call, kind: str, where: str) -> Shown:
    """Raises :class:`ValueError` where name, meaning or labels are no plain words: then nobody could read them here."""
    name, meaning, *more = call.args
    labels = more[0] if more else next((given.value for given in call.keywords if given.arg in {"labels", "labelnames"}), ast.List(elts=[]))
    words = ast.literal_eval(labels)
    ending = "_total" if kind == "counter" else ""
    return Shown(name=ast.literal_eval(name) + ending, kind=kind, meaning=ast.literal_eval(meaning), labels=tuple(words), where=where)
