"""`hoiam routing check`: the rules of a province as a whole, each defect with its line."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import yaml

from services.routing.domain.coverage import Defect, defects, pairs
from shared.province import Province, ProvinceError, read_province

FILES = ("province.yaml", "policy.yaml", "categories.yaml", "agencies.yaml", "areas.yaml", "rules.yaml")
NAMED = re.compile(r"(?P<file>\w+\.yaml): (?P<code>[\w-]+): ")


def check(folder: Path, day: date, say: Callable[[str], None]) -> bool:
    """Whether nothing is wrong with the rules in ``folder`` on ``day``; says what is."""
    try:
        province = read_province(folder)
    except ProvinceError as error:
        for problem in error.problems:
            say(_placed(problem, folder))
        say(f"{len(error.problems)} defects")
        return False
    found = defects(province, day)
    lines = _lines(folder / "rules.yaml")
    for defect in found:
        say(_line(defect, f"rules.yaml:{lines.get(defect.rule, 1)}: "))
    say(summary(province, found, day))
    return not found


def check_version(version: int, province: Province, day: date, say: Callable[[str], None]) -> bool:
    """The same of rules that are kept in the database; a rule is told by its place, from 0."""
    found = defects(province, day)
    for defect in found:
        say(_line(defect, f"version {version}, rule {defect.place}: "))
    say(summary(province, found, day))
    return not found


def summary(province: Province, found: list[Defect], day: date) -> str:
    """How much was looked at, and how much of it is wrong."""
    by_hand = ", ".join(category.code for category in province.categories.values() if category.by_hand) or "none"
    return (
        f"{len(province.rules)} rules, {pairs(province)} category × area pairs on {day:%d/%m/%Y}, by hand: {by_hand}: {len(found)} defects"
    )


def _line(defect: Defect, where: str) -> str:
    return f"{where}{defect.rule}: {defect.text}" if defect.rule else defect.text


def _placed(problem: str, folder: Path) -> str:
    """With the line of its entry."""
    named = NAMED.match(problem)
    line = _lines(folder / named["file"]).get(named["code"]) if named and named["file"] in FILES else None
    return problem.replace(".yaml:", f".yaml:{line}:", 1) if line else problem


def _lines(path: Path) -> Mapping[str, int]:
    """Where the entries of a file begin, by code; those without a code by the number that problems name them by."""
    try:
        whole = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    lists = [value for _, value in whole.value if isinstance(value, yaml.SequenceNode)] if isinstance(whole, yaml.MappingNode) else []
    return {_code(row): row.start_mark.line + 1 for rows in lists for row in reversed(rows.value) if isinstance(row, yaml.MappingNode)}


def _code(row: yaml.MappingNode) -> str:
    return next((str(value.value) for key, value in row.value if key.value == "code"), "")
