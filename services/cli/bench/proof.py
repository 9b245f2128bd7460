"""docs/proof.md and the README's paragraph of it, made from docs/proof.json: what was measured, never what was hoped for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.bench.claims import CLAIMS, Claim
from services.cli.bench.figures import HIGHEST, LOWEST
from services.cli.bench.whole import MACHINE, PLAN
from services.cli.process import CannotStart
from shared.settings import PROJECT

KEPT, PAGE = PROJECT / "docs/proof.json", PROJECT / "docs/proof.md"
FAULT = ("fault", "faults", "offered", "accepted", "lost", "duplicated", "stopped", "parked", "recovery_seconds", "measured_on")
Kept = Mapping[str, Any]


def proof(
    folder: Annotated[Path | None, typer.Argument(help="Of `hoiam bench all --json`; without it the page is made of what is kept.")] = None,
    faults: Annotated[Path | None, typer.Option(help="Rows that the fault suite wrote, as JSON.")] = None,
) -> None:
    """Keep what was measured in docs/proof.json and make docs/proof.md and the README's figures of it (`hoiam pages` does the latter)."""
    from services.cli.pages import write_pages  # it needs this module for the page

    found = kept()
    if folder:
        found = {"faults": found.get("faults", [])} | measured(folder)
    if faults:
        found = {**found, "faults": json.loads(faults.read_text(encoding="utf-8"))}
    KEPT.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in write_pages():
        typer.echo(f"{path.relative_to(PROJECT)} is new")


def kept() -> Kept:
    """What was measured last."""
    found: Kept = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def measured(folder: Path) -> dict[str, Any]:
    """What `hoiam bench all` left there. Raises :class:`CannotStart`."""
    if not (folder / f"{MACHINE}.json").exists():
        raise CannotStart(f"{folder} holds no {MACHINE}.json: `hoiam bench all --json {folder}` writes it")
    files = {name: folder / f"{name}.json" for name in (MACHINE, *PLAN)}
    found = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.exists()}
    return {**found.pop(MACHINE), "figures": found}


def page(of: Kept) -> str:
    """The whole of docs/proof.md."""
    parts = [_head(of), _performance(of), _faults(of.get("faults", [])), _everything(of)]
    return "\n".join(line for part in parts for line in (*part, ""))[:-1]


def brief(of: Kept) -> str:
    """The README's figures, each with a link to its row."""
    claims = [claim for claim in CLAIMS if claim.brief and _value(of, claim) is not None]
    lines = [f"- [{_said(claim, _value(of, claim))}](docs/proof.md#{claim.anchor}): {claim.brief}" for claim in claims]
    return "\n".join(
        [f"On {_machine(of)}, medians beside yardsticks measured in the same run:", "", *lines, *_survived(of.get("faults", []))]
    )


def _survived(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    of = _totals(rows)
    return (
        [f"- [{of['lost']:,} of {of['accepted']:,}](docs/proof.md#faults): accepted reports lost in {of['faults']:,} faults"]
        if rows
        else []
    )


def _head(of: Kept) -> list[str]:
    how = "with `--quick`, so fewer rounds and at most a hundred thousand rows" if of["quick"] else "as `make bench` does"
    return [
        "# Proof",
        "",
        "Made by `hoiam bench proof` from [proof.json](proof.json), which holds what was measured; don't edit. `make bench` measures anew.",
        "",
        f"Measured at {of['measured_at']}, {how}, on {_machine(of)}.",
        f"Versions: {', '.join(f'{name} {version}' for name, version in of['versions'].items())}.",
        "Nothing is tuned for the bench: fsync, confirms, quorum queues, validation, idempotency and metrics are on.",
    ]


def _machine(of: Kept) -> str:
    machine = of["machine"]
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"


def _performance(of: Kept) -> list[str]:
    rows = [_row(of, claim) for claim in CLAIMS]
    return [
        "## Performance",
        "",
        "Ratios are of what was measured in turn in one run: the median of the rounds, and the lowest and the highest of them. Yardsticks"
        " and what each bench does are in its help (`hoiam bench NAME --help`).",
        "",
        "| bench | what | median | lowest – highest | target | |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
    ]


def _row(of: Kept, claim: Claim) -> str:
    value, begin = _value(of, claim), f'| <a id="{claim.anchor}"></a>{claim.bench} | {claim.what} |'
    if value is None:
        return f"{begin} not measured | | {claim.wanted()} | |"
    figures = of["figures"][claim.bench]
    ends = [figures.get(claim.figure + end) for end in (LOWEST, HIGHEST)]
    spread = "" if None in ends else f"{ends[0]:,} – {ends[1]:,}"
    return f"{begin} {_said(claim, value)} | {spread} | {claim.wanted()} | {claim.verdict(value)} |"


def _value(of: Kept, claim: Claim) -> float | None:
    value: float | None = of["figures"].get(claim.bench, {}).get(claim.figure)
    return value


def _said(claim: Claim, value: float | None) -> str:
    return f"{value:,} {claim.unit}"


def _faults(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ['## <a id="faults"></a>Faults', ""]
    if not rows:
        return [*head, "Not measured in this run: `make faults` runs them."]
    shipped, broken = ([row for row in rows if bool(row.get("control")) == control] for control in (False, True))
    lines = [*head, _verdict(shipped), "", *_table(shipped)]
    if broken:
        lines += [
            "",
            "Builds broken on purpose, under the same kills; each must lose something, do something twice or get stuck:",
            "",
            *_table(broken),
        ]
    return lines


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    heading = [f"| {' | '.join(name.replace('_', ' ') for name in FAULT)} |", "| --- " * len(FAULT) + "|"]
    return [*heading, *(f"| {' | '.join(_cell(row.get(name)) for name in FAULT)} |" for row in rows)]


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Of the product, not of the builds broken on purpose."""
    names = ("faults", "accepted", "lost", "duplicated", "stopped")
    return {name: sum(row.get(name) or 0 for row in rows if not row.get("control")) for name in names}


def _verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    of = _totals(rows)
    return (
        f"{of['faults']:,} faults. Of {of['accepted']:,} accepted reports {of['lost']:,} were lost and {of['duplicated']:,} had an effect"
        f" twice; {of['stopped']:,} duplicates were stopped."
    )


def _everything(of: Kept) -> Iterator[str]:
    yield "## All figures"
    for name, figures in of["figures"].items():
        run = of["runs"].get(name, {})
        yield from ("", f"### {name}", "", f"Took {run.get('seconds')} s; the load of the machine before was {run.get('load_before')}.", "")
        yield from ("| figure | median | lowest | highest |", "| --- | --- | --- | --- |")
        for figure, value in figures.items():
            if not figure.endswith((LOWEST, HIGHEST)):
                yield f"| {figure} | {value:,} | {figures.get(figure + LOWEST, '')} | {figures.get(figure + HIGHEST, '')} |"
