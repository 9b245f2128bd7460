"""The history of a case: one row for everything that happened to it, each sealed to the one before by its hash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

GENESIS = "0" * 64
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@dataclass(kw_only=True, eq=False)
class Move:
    """Never changed once made. ``seq`` counts from 1 without gaps.

    ``source`` and ``target`` are states, equal when only something was said.
    """

    report_id: UUID
    seq: int
    actor: str
    trigger: str
    source: str
    target: str
    data: Mapping[str, Any]
    at: datetime
    prev_hash: str
    hash: str


def seal(
    *, report_id: UUID, seq: int, actor: str, trigger: str, source: str, target: str, data: Mapping[str, Any], at: datetime, prev_hash: str
) -> Move:
    """The next row, with its hash: SHA-256 over the previous hash and the canonical JSON of the row (sorted keys, UTF-8, no blanks)."""
    row = {
        "report_id": str(report_id), "seq": seq, "actor": actor, "trigger": trigger, "source": source, "target": target,
        "data": data, "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
    }  # fmt: skip
    canonical = _CANONICAL.encode(row)
    digest = sha256(f"{prev_hash}{canonical}".encode()).hexdigest()
    return Move(
        report_id=report_id, seq=seq, actor=actor, trigger=trigger, source=source, target=target, data=data, at=at,
        prev_hash=prev_hash, hash=digest,
    )  # fmt: skip
