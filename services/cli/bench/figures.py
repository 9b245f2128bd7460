"""What a bench found: flat names and numbers. A ratio is the median of those of single rounds, with the lowest and the highest of them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

Figures = dict[str, float]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")]
LOWEST, HIGHEST = "_lowest", "_highest"
ENDS = ("", LOWEST, HIGHEST)


def spread(name: str, values: Iterable[float], digits: int = 2) -> Figures:
    """The median under ``name``, and beside it between what the values were."""
    found = sorted(values)
    return {
        name: round(median(found), digits),
        name + LOWEST: round(found[0], digits),
        name + HIGHEST: round(found[-1], digits),
    }


def ratio(name: str, ours: Sequence[float], yardstick: Sequence[float], digits: int = 2) -> Figures:
    """Of what was measured in the same round."""
    return spread(name, (a / b for a, b in zip(ours, yardstick, strict=True)), digits)


def show(figures: Figures) -> None:
    """A line for each, its spread behind it."""
    for name, value in figures.items():
        if name + LOWEST in figures:
            typer.echo(f"{name:44}{value:>12,}   ({figures[name + LOWEST]:,} – {figures[name + HIGHEST]:,})")
        elif not name.endswith((LOWEST, HIGHEST)):
            typer.echo(f"{name:44}{value:>12,}")


def keep(figures: Figures, json_file: Path | None) -> None:
    """As one flat object."""
    if json_file:
        json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
