"""A portal that posts as fast as it is let, with so little work per request that it measures intake and not itself."""

import asyncio
import json
import time
from collections.abc import Iterator
from uuid import uuid4

from services.cli.process import LOOPBACK

AREAS = ("dh", "txqt", "vl", "gl")


def requests(path: str, key: str, count: int) -> Iterator[bytes]:
    """Whole HTTP requests, each with its own Idempotency-Key."""
    for number in range(count):
        location = {"area": AREAS[number % len(AREAS)], "address": f"Số {number} đường Hùng Vương"}
        body = json.dumps(
            {"category": "CS01", "description": "Đèn đường hỏng ba ngày nay, buổi tối rất nguy hiểm.", "location": location}
        ).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\nIdempotency-Key: {uuid4()}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, *, expected: int) -> bytes:
    """The body of the answer to ``request``. Raises :class:`RuntimeError` for any other status than the one ``expected``."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")).split(b":")[1])
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 %d" % expected):
        raise RuntimeError(f"{request.splitlines()[0]!r} was answered {head[:20]!r}: {body[:300]!r}")
    return body


class Portal:
    """``accepted`` maps each report id to the moment (``perf_counter``) its 201 arrived; ``took``: seconds from each request to that."""

    def __init__(self, port: int, key: str, path: str = "/v1/reports") -> None:
        self.port, self.key, self.path = port, key, path
        self.accepted: dict[str, float] = {}
        self.took: list[float] = []

    async def at_full_speed(self, count: int, connections: int) -> None:
        """Post ``count`` reports over so many connections, each waiting for its answer before it posts again."""
        waiting = requests(self.path, self.key, count)
        await asyncio.gather(*(self._work(waiting) for _ in range(connections)))

    async def at_rate(self, per_second: float, count: int, connections: int = 8) -> None:
        """Post ``count`` reports at an even rate, whatever the answers take."""
        lines = [await asyncio.open_connection(LOOPBACK, self.port) for _ in range(connections)]
        free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        for line in lines:
            free.put_nowait(line)
        began, posting = time.perf_counter(), []
        for number, request in enumerate(requests(self.path, self.key, count)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            posting.append(asyncio.create_task(self._one(free, request)))
        await asyncio.gather(*posting)
        for _, writer in lines:
            writer.close()

    async def _work(self, waiting: Iterator[bytes]) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        for request in waiting:
            await self._post(reader, writer, request)
        writer.close()

    async def _one(self, free: "asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]", request: bytes) -> None:
        line = await free.get()
        await self._post(*line, request)
        free.put_nowait(line)

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        began = time.perf_counter()
        body = await answer(reader, writer, request, expected=201)
        answered = time.perf_counter()
        self.accepted[json.loads(body)["report_id"]] = answered
        self.took.append(answered - began)
