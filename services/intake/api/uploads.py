"""From the bytes of a request to a photo that is safe: read to disk, made anew, the original sealed, all put away.

No request's body is held in memory, and few at a time are worked on; nothing of it happens on the event loop. What goes wrong on
the way leaves nothing behind; what dies on the way is swept.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

import anyio
import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from services.intake.domain.media import DropMedia, KeepMedia, TakeMedia
from services.intake.domain.picture import Picture, Unfit, developed
from services.intake.store.files import FULL, Files, Full
from shared.confined import Died, Late, confined
from shared.errors import Refused
from shared.privacy import SealingKeys
from shared.problems import Busy
from shared.web import Desk

AT_ONCE, WAITING = 2, 20  # photos that are worked on, and that may wait for it
READ_SECONDS = 60
LIMITS = {"seconds": 10, "patience": 30, "most": 33_554_432}  # of the work on one photo: see ``confined``

log = structlog.get_logger()


class TooLarge(Refused):
    status = 413
    code = "too_large"


class NoForm(Refused):
    status = 415
    code = "unsupported_media_type"


class CutOff(Refused):
    status = 400
    code = "cut_off"


class TooSlow(Refused):
    status = 408
    code = "too_slow"


def names(sha256: str) -> tuple[str, str, str]:
    """The copy's file, the thumbnail's, and the sealed original's."""
    return f"{sha256}.jpg", f"{sha256}.thumbnail.jpg", f"{sha256}.original"


def strip(files: Files, media_id: UUID, sha256: str) -> None:
    """Remove the sealed original of a photo; its copy stays."""
    files.remove_one(media_id, names(sha256)[2])


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """``limit`` bytes come in at the most, ``memory`` bytes may one photo take while it is read."""

    desk: Desk
    files: Files
    seals: SealingKeys
    limit: int
    memory: int
    turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[IO[bytes]]:
        """The whole body as a file."""
        with TemporaryFile() as file, _room():
            async with _in_time():
                async for part in request.stream():
                    if file.tell() + len(part) > self.limit:
                        raise self._too_large()
                    await run_in_threadpool(file.write, part)
            yield file

    @asynccontextmanager
    async def part(self, request: Request) -> AsyncIterator[IO[bytes]]:
        """The part called ``file`` of a form, as a file."""
        if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            raise NoForm("send a form (multipart/form-data) with the photo in its part `file`")
        with _room():
            async with _in_time():
                form = await request.form(max_files=1, max_fields=4)
            try:
                sent = form.get("file")
                if not isinstance(sent, UploadFile):
                    raise Unfit("the form has no file in a part called `file`", code="invalid")
                if (sent.size or 0) > self.limit:
                    raise self._too_large()
                yield sent.file
            finally:
                await form.close()

    async def arrive(self, taken: TakeMedia, source: IO[bytes]) -> KeepMedia:
        """Make a photo of ``source`` under its announced name. Raises :class:`Refused`, and then nothing of it is left."""
        if self.turns.statistics().tasks_waiting >= WAITING:
            raise Busy("too many photos are coming in; send it again in a moment")
        await self.desk.say(taken)
        kept = None
        try:
            kept = await to_thread.run_sync(self._put_away, taken, source, limiter=self.turns)
            await self.desk.say(kept)
        except BaseException as error:
            if kept is None or isinstance(error, Refused):  # else nobody knows yet whether it was kept: the sweep will
                await self._undo(taken)
            raise
        return kept

    async def _undo(self, taken: TakeMedia) -> None:
        """What can't be undone now is swept."""
        with anyio.CancelScope(shield=True), suppress(Refused):
            await run_in_threadpool(self.files.remove, taken.media_id)
            await self.desk.say(DropMedia(report_id=taken.report_id, media_id=taken.media_id, at=self.desk.clock()))

    def _put_away(self, taken: TakeMedia, source: IO[bytes]) -> KeepMedia:
        picture, media_id = self._picture(source), taken.media_id
        sha256 = hashlib.sha256(picture.copy).hexdigest()
        source.seek(0)
        original = self.seals.seal_bytes(source.read(), about=str(media_id))
        self.files.keep(media_id, dict(zip(names(sha256), (picture.copy, picture.thumbnail, original), strict=True)))
        return KeepMedia(
            report_id=taken.report_id,
            media_id=media_id,
            at=self.desk.clock(),
            sha256=sha256,
            kind=picture.kind,
            size=len(picture.copy),
            width=picture.width,
            height=picture.height,
        )

    def _picture(self, source: IO[bytes]) -> Picture:
        if not source.seek(0, 2):
            raise Unfit("there is nothing in it", code="empty")
        try:
            return Picture.unpacked(confined(developed, source, memory=self.memory, **LIMITS))
        except Died as death:
            log.warning("reading a photo ended its process", exit_code=death.code)
            raise Unfit("to read this picture takes more than a photo may take; send a smaller one", code="too_demanding") from None
        except Late:
            raise Busy("photos take too long just now; send it again in a moment") from None

    def _too_large(self) -> TooLarge:
        return TooLarge(f"a photo is at most {self.limit} bytes")


@contextmanager
def _room() -> Iterator[None]:
    """For bodies on their way in, which lie on the disk of this machine."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise Full("there is no room for more photos here just now; send it again later") from None


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(READ_SECONDS):
            yield
    except TimeoutError:
        raise TooSlow(f"the photo did not arrive within {READ_SECONDS} seconds") from None
    except ClientDisconnect:
        raise CutOff("the photo broke off on its way; send it again") from None
