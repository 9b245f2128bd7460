"""What several processes say, on one screen: each line behind the coloured name of who said it."""

import contextlib
import os
import sys
import threading
from typing import IO, TextIO

COLOURS = {"hoiam": 1, "postgres": 34, "intake": 36, "routing": 33, "sla": 35, "notify": 32}  # ECMA-48 codes: bold, blue, cyan, …
WIDTH = max(map(len, COLOURS))


class Console:
    """Lines of any number of threads, whole and in order. Colours only on a terminal, and never with NO_COLOR set."""

    def __init__(self, screen: TextIO | None = None) -> None:
        self._screen = screen or sys.stdout
        self._coloured = self._screen.isatty() and not os.environ.get("NO_COLOR")
        self._turn = threading.Lock()

    def say(self, text: str, name: str = "hoiam") -> None:
        """Print ``text``; a screen that has gone away is no reason to stop."""
        label = name.ljust(WIDTH)
        if self._coloured:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        with self._turn, contextlib.suppress(OSError, ValueError):
            self._screen.write(f"{label} │ {text}\n")
            self._screen.flush()

    def relay(self, lines: IO[bytes], name: str) -> threading.Thread:
        """Say each of ``lines`` as ``name`` until they end."""
        thread = threading.Thread(target=self._relay, args=(lines, name), name=f"lines of {name}", daemon=True)
        thread.start()
        return thread

    def _relay(self, lines: IO[bytes], name: str) -> None:
        with lines:
            for line in lines:
                self.say(line.decode(errors="replace").rstrip(), name)
