"""A way over loopback that can be cut, stopped up and slowed down. It leads to the first of its targets that answers."""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence

from services.cli.process import LOOPBACK, free_port

OPEN, HOLE, REFUSE = "open", "hole", "refuse"


class Proxy:
    """``state``: open, or a black hole (whatever comes in is kept), or refused. ``delay``: seconds each piece takes."""

    def __init__(self, *targets: int) -> None:
        self.targets: Sequence[int] = targets
        self.state, self.delay = OPEN, 0.0
        self.port = free_port()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._server = socket.create_server((LOOPBACK, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection there is."""
        for pair in self._pairs[:]:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                target = None if self.state == REFUSE else self._reach()
                if target is None:
                    client.close()
                    continue
                self._pairs.append((client, target))
                threading.Thread(target=self._carry, args=(client, target), daemon=True).start()

    def _reach(self) -> socket.socket | None:
        for port in self.targets:
            with contextlib.suppress(OSError):
                return socket.create_connection((LOOPBACK, port), timeout=2)
        return None

    def _carry(self, *pair: socket.socket) -> None:
        other = dict(zip(pair, pair[::-1], strict=True))
        with contextlib.suppress(OSError):
            while True:
                for end in select.select(pair, [], [], 1.0)[0]:
                    piece = end.recv(65536)
                    while self.state == HOLE:
                        time.sleep(0.05)
                    if self.delay:
                        time.sleep(self.delay)
                    if not piece:
                        raise OSError
                    other[end].sendall(piece)
        for end in pair:
            end.close()
        self._pairs.remove(pair)  # type: ignore[arg-type]
