"""A portal's end of a webhook, as a process of its own: ``python -m services.cli.bench.receiver PORT LEDGER FAIL HANG [SECRET]``.

Of all calls it answers the share FAIL with 500 and the share HANG not at all. What it takes it writes into LEDGER, a webhook-id a line,
before it answers 204; an id that is there already is a repetition, which it takes and counts only once. With a SECRET it verifies.
"""

import asyncio
import random
import sys
from pathlib import Path

from standardwebhooks import Webhook

from services.cli.process import LOOPBACK

FOR_EVER = 3600


class Receiver:
    """One portal. Chance is seeded, so that two runs fail alike."""

    def __init__(self, ledger: Path, *, fail: float, hang: float, secret: str = "") -> None:
        self.ledger, self.fail, self.hang = ledger, fail, hang
        self.verifier = Webhook(secret) if secret else None
        self.taken = set(ids(ledger))
        self._chance = random.Random(7)  # noqa: S311 - not for secrets

    async def serve(self, port: int) -> None:
        """Until it is killed."""
        async with await asyncio.start_server(self._answer, LOOPBACK, port, backlog=512) as server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status = await self._take(headers, body) if head.startswith("POST") else 200
            writer.write(f"HTTP/1.1 {status} .\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return  # gone again
        finally:
            writer.close()

    async def _take(self, headers: dict[str, str], body: bytes) -> int:
        chance = self._chance.random()
        if chance < self.hang:
            await asyncio.sleep(FOR_EVER)
        if chance < self.hang + self.fail:
            return 500
        if self.verifier:
            self.verifier.verify(body, headers)
        self._note(headers["webhook-id"])
        return 204

    def _note(self, id_: str) -> None:
        again = id_ in self.taken
        self.taken.add(id_)
        with self.ledger.open("a", encoding="ascii") as ledger:
            ledger.write(f"again {id_}\n" if again else f"{id_}\n")


def ids(ledger: Path) -> list[str]:
    """What was taken, each once."""
    return [line for line in _lines(ledger) if not line.startswith("again ")]


def repetitions(ledger: Path) -> int:
    """How many calls came again after they had been taken."""
    return sum(line.startswith("again ") for line in _lines(ledger))


def _lines(ledger: Path) -> list[str]:
    return ledger.read_text(encoding="ascii").splitlines() if ledger.exists() else []


if __name__ == "__main__":
    port, path, fail, hang, *secret = sys.argv[1:]
    asyncio.run(Receiver(Path(path), fail=float(fail), hang=float(hang), secret="".join(secret)).serve(int(port)))
