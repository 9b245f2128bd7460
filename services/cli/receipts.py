"""Daily roots and receipts in files: written, kept elsewhere, and checked without the system they came from."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from services.cli.process import CannotStart
from services.cli.system import room
from services.intake import store as intake
from services.sla.domain.roots import Receipt, Root, steps
from services.sla.store import roots
from shared.errors import NotFound

_ROOTS = TypeAdapter(list[Root])


def lines(url: str) -> list[str]:
    """Every root, one a line, as they may be kept in a file."""
    with room(url, "sla") as rooms, rooms() as session:
        return [root.model_dump_json() for root in roots.all_roots(session)]


def receipt(url: str, report: str) -> str:
    """The receipt of a report, by its id or its tracking code."""
    try:
        with room(url, "sla") as rooms, rooms() as session:
            return roots.receipt_of(session, _id(report) or roots.report_of(session, report)).model_dump_json(indent=2)
    except NotFound as reason:
        raise CannotStart(reason.detail) from None


def witnessed(url: str) -> dict[date, str]:
    """The roots that intake heard of."""
    with room(url, "intake") as rooms, rooms() as session:
        return intake.witnessed(session)


def kept_in(path: Path) -> dict[date, str]:
    """The roots of a file: the lines of `hoiam audit roots`, or an answer of `GET /v1/audit/roots`. Raises :class:`CannotStart`."""
    try:
        words = path.read_text(encoding="utf-8").strip()
        found = json.loads(words)["roots"] if words.startswith('{"roots"') else [json.loads(line) for line in words.splitlines() if line]
        return {root.day: root.root for root in _ROOTS.validate_python(found)}
    except (OSError, ValueError) as error:
        raise CannotStart(f"{path} holds no roots: {_short(error)}\nTake them from `hoiam audit roots` or GET /v1/audit/roots.") from None


def check(path: Path, say: Callable[[str], None], kept: dict[date, str] | None = None) -> bool:
    """Whether a receipt holds; says each step up to the first that fails. Asks nobody, neither a database nor a network."""
    try:
        given = Receipt.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        say(f"FAILED  this is a whole receipt: {_short(error)}")
        return False
    say("ok      this is a whole receipt")
    passed = True
    for step in steps(given, kept):
        say(f"{'ok    ' if step.passed else 'FAILED'}  {step.says}")
        passed = step.passed
    if passed and kept is None:
        say(f"It holds if the root of {given.day} is {given.root}: compare that with a list of roots kept elsewhere (--roots FILE).")
    return passed


def _id(report: str) -> UUID | None:
    try:
        return UUID(report)
    except ValueError:
        return None


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, found['loc'])) or 'it'}: {found['msg']}" for found in error.errors(include_url=False)[:3])
    return str(error)
