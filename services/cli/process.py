"""Child processes that end with their parent, and loopback ports for them."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"
BELOW_EPHEMERAL = range(20_000, 32_000)  # Linux hands out 32768 and up to outgoing connections, which would take ours away


class CannotStart(Exception):  # noqa: N818 (said as it is meant)
    """Something the person at the keyboard has to put right; the message says what."""


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do, so that a closed connection's rest is no obstacle
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether somebody accepts connections on ``port`` of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port() -> int:
    """A port nobody listens on, outside the range of outgoing connections."""
    return next(port for port in random.sample(BELOW_EPHEMERAL, 200) if is_free(port))


def spawn(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path = Path("/"),
    stdin: int = subprocess.DEVNULL,
    output: int | IO[bytes] = subprocess.PIPE,
    user: int | None = None,
    last_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, so that Ctrl-C reaches the parent only.

    On Linux it gets ``last_signal`` when the thread that called this ends, however it ends: call from a thread that stays.
    """
    return subprocess.Popen(
        [*_leash(last_signal), *map(str, command)],
        env=dict(environment),
        cwd=folder,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def _leash(last_signal: signal.Signals) -> list[str]:
    tool = shutil.which("setpriv")  # util-linux's; macOS has none, and busybox's cannot do it
    if not tool or Path(tool).resolve().name != "setpriv":
        return []
    return [tool, f"--pdeathsig={last_signal.name.removeprefix('SIG')}"]


def wait_until(condition: Callable[[], object], timeout: float, every: float = 0.02) -> bool:
    """Whether ``condition`` came true within ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def is_alive(pid: int) -> bool:
    """Whether a process ``pid`` exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(process: subprocess.Popen[bytes], how: signal.Signals, patience: float) -> None:
    """Ask ``process`` to end with ``how``; after ``patience`` seconds kill it and all of its group."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill ``process`` and what it started, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing of the group is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(log: Path, characters: int = 1000) -> str:
    """The end of what ``log`` holds, for an error message."""
    return log.read_text(encoding="utf-8", errors="replace")[-characters:].strip() if log.exists() else ""
