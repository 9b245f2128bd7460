"""Many reports in one request, one to a line: for hotlines, and for what was collected before this system.

The upload is kept whole before its first line is read, because most clients read nothing before they have sent everything: answering
between would let both sides wait for each other.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from services.intake.api.bodies import Body, ReportBody
from services.intake.api.posting import KEY, Receipt, checked_key, latest, receipt_of, report_receiver
from services.intake.api.recent import Recent
from services.intake.api.strict import NotJsonSent, read_as, read_strictly
from services.intake.domain.report import Report
from services.intake.settings import IntakeSettings
from shared.errors import Refused
from shared.problems import answer_to
from shared.province import Province
from shared.web import Caller, Desk

LINES = 10_000  # of one upload, at the most
AT_ONCE = 50  # lines that may share a commit; other callers' reports find room beside them
IN_MEMORY = 1 << 20  # bytes of an upload; what is longer waits in a file
NDJSON = "application/x-ndjson"


class TooLong(Refused):
    """A line, or the whole upload."""

    status = 413
    code = "too_large"


class BrokenOff(Refused):
    """The client went away before the end of its upload."""

    status = 400
    code = "broken_off"


class Line(Body):
    """``key`` is what the Idempotency-Key is for a single report, and one with it: neither way makes a second report of the other's."""

    key: Annotated[str, Field(max_length=255)]
    report: ReportBody


class LineAnswer(BaseModel):
    """Of line number ``line``: the status and the receipt or the problem that a single report would have been answered with."""

    line: int
    key: str | None = None
    status: int
    replayed: bool | None = None
    receipt: Receipt | None = None
    problem: dict[str, Any] | None = None


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """One route."""
    router = APIRouter(prefix="/v1")
    receive = report_receiver(desk, settings, provinces)
    takes = {"requestBody": {"required": True, "content": {NDJSON: {"schema": Line.model_json_schema()}}}}
    says: dict[int | str, Any] = {
        200: {"description": "An answer for each line", "content": {NDJSON: {"schema": LineAnswer.model_json_schema()}}}
    }

    @router.post("/reports:bulk", response_class=StreamingResponse, responses=says, openapi_extra=takes)
    async def receive_many(request: Request, caller: Caller) -> StreamingResponse:
        """Reports, one JSON object ``{"key", "report"}`` to a line; each is answered by a line. Send all of it again whenever in doubt."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
            raise NotJsonSent(f"send one JSON object to a line, with Content-Type: {NDJSON}")
        upload = await _whole(request)
        return StreamingResponse(answers(upload, request, caller.name), media_type=NDJSON)

    async def answers(upload: IO[bytes], request: Request, portal: str) -> AsyncIterator[str]:
        with upload:
            numbered = lines(upload, longest=settings.body_limit)
            while some := list(islice(numbered, AT_ONCE)):
                for said in await asyncio.gather(*(answer(number, line, request, portal) for number, line in some)):
                    yield said.model_dump_json(exclude_none=True) + "\n"

    async def answer(number: int, line: bytes | TooLong, request: Request, portal: str) -> LineAnswer:
        try:
            asked = _read(line)
            kept = await receive(asked.report, portal, checked_key(asked.key))
        except Exception as error:  # noqa: BLE001 - a broken line never stops the others
            refusal = answer_to(request, error)
            return LineAnswer(line=number, key=_key(line), status=refusal.status_code, problem=json.loads(bytes(refusal.body)))
        replayed, receipt = isinstance(kept, Report), receipt_of(kept, settings, await latest(provinces))
        return LineAnswer(line=number, key=asked.key, status=201, replayed=replayed, receipt=receipt)

    return router


async def _whole(request: Request) -> IO[bytes]:
    upload = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when the last line is answered
    try:
        async for part in request.stream():
            upload.write(part)
    except BaseException as error:
        upload.close()
        if isinstance(error, ClientDisconnect):
            raise BrokenOff("the upload ended early; nothing of it was taken") from None
        raise
    upload.seek(0)
    return upload


def lines(upload: IO[bytes], *, longest: int) -> Iterator[tuple[int, bytes | TooLong]]:
    """With their numbers from 1, empty ones left out; a line over ``longest`` bytes, and what follows the last allowed one, as errors."""
    number = 0
    while line := upload.readline(longest + 1):
        number += 1
        if number > LINES:
            yield number, TooLong(f"an upload has at most {LINES} lines: this and the following were not read", code="too_many_lines")
            return
        if len(line) > longest and not line.endswith(b"\n"):
            yield number, TooLong(f"a line is at most {longest} bytes")
            _skip_rest(upload, longest)
        elif line.strip():
            yield number, line


def _skip_rest(upload: IO[bytes], longest: int) -> None:
    while (rest := upload.readline(longest)) and not rest.endswith(b"\n"):
        pass


def _read(line: bytes | TooLong) -> Line:
    """Raises what the body of a single report would raise."""
    if isinstance(line, TooLong):
        raise line
    return read_as(Line, line)


def _key(line: bytes | TooLong) -> str | None:
    """As far as it can be read."""
    try:
        key = read_strictly(line)["key"] if isinstance(line, bytes) else None
    except (json.JSONDecodeError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) and KEY.fullmatch(key) else None
