"""What processes cost, as the kernel counts it (Linux). A process stands for itself and all it started."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PARENT, SPENT = 1, slice(11, 15)  # fields of stat behind the name: parent; user, system, and those of children that ended (proc(5))


def cpu_seconds(pid: int) -> float:
    """Processor time so far, with that of children that ended."""
    return sum(sum(map(int, _stat(one)[SPENT])) for one in family(pid)) / TICKS


def memory(pid: int) -> int:
    """Bytes, what is shared with others counted in parts (PSS)."""
    return sum(_pss(one) for one in family(pid))


def family(pid: int) -> list[int]:
    """``pid`` and its descendants."""
    children = dict[int, list[int]]()
    for one, parent in _parents():
        children.setdefault(parent, []).append(one)
    found, waiting = list[int](), [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for folder in PROC.glob("[0-9]*"):
        if fields := _stat(int(folder.name)):
            yield int(folder.name), int(fields[PARENT])


def _stat(pid: int) -> list[str]:
    """Empty for one that has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _pss(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
