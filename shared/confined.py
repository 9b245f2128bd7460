"""Work on hostile bytes in a process of its own: so much memory, so much time, so much said, no file, no environment, no shell.

What the process says is not to be trusted more than what it read.
"""

import resource
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from tempfile import TemporaryFile
from typing import IO


class Died(Exception):  # noqa: N818 - what befell it
    """It wanted more than it may have, or failed: ``code`` is its exit status, negative for a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(f"it ended with {code}")
        self.code = code


class Late(Exception):  # noqa: N818 - what befell it
    """It got too little of the machine to be done in time, and was killed."""


def confined(work: Callable[[bytes], bytes], source: IO[bytes], *, memory: int, seconds: int, patience: int, most: int) -> bytes:
    """``work``, a function of a module, done on all of ``source`` (a real file): what it returns.

    ``memory`` in bytes of address space, ``seconds`` of processor time and ``patience`` of any time, ``most`` bytes returned.
    Raises :class:`Died` and :class:`Late`.
    """
    limits = [str(limit) for limit in (memory, seconds, most)]
    command = [sys.executable, "-IB", "-m", __name__, work.__module__, work.__name__, *limits]
    source.seek(0)
    with TemporaryFile() as said:
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                command, stdin=source, stdout=said, stderr=subprocess.DEVNULL, env={}, cwd="/", timeout=patience, check=False
            )
        except subprocess.TimeoutExpired:
            raise Late from None
        if done.returncode:
            raise Died(done.returncode)
        said.seek(0)
        return said.read()


def _main(module: str, name: str, memory: str, seconds: str, most: str) -> None:
    _limit(resource.RLIMIT_AS, int(memory))
    _limit(resource.RLIMIT_CPU, int(seconds))
    _limit(resource.RLIMIT_FSIZE, int(most))
    _limit(resource.RLIMIT_CORE, 0)
    work: Callable[[bytes], bytes] = getattr(import_module(module), name)
    sys.stdout.buffer.write(work(sys.stdin.buffer.read()))


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    _main(*sys.argv[1:])
