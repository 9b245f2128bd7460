"""`hoiam routing check`: the rules of a province as a whole, each defect with its line."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from services.routing.domain.coverage import defects, pairs
from shared.province import read_province


def check(folder: Path, day: date, say: Callable[[str], None]) -> bool:
    """Whether nothing is wrong with the rules in ``folder`` on ``day``; says what is."""
    province = read_province(folder)
    found = defects(province, day)
    lines = (folder / "rules.yaml").read_text(encoding="utf-8").splitlines()
    for defect in found:
        where = f"rules.yaml:{_line_of(lines, defect.rule)}: {defect.rule}: " if defect.rule else ""
        say(f"{where}{defect.text}")
    by_hand = ", ".join(category.code for category in province.categories.values() if category.by_hand) or "none"
    say(f"{len(province.rules)} rules, {pairs(province)} category × area pairs on {day:%d/%m/%Y}, by hand: {by_hand}: {len(found)} defects")
    return not found


def _line_of(lines: list[str], code: str) -> int:
    return next((number for number, line in enumerate(lines, 1) if f"code: {code}," in f"{line.rstrip()},"), 1)
