"""Bytes of photos, by URL: a folder, or a bucket of an S3-compatible server. A file is there whole, or not at all."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from typing import Any
from uuid import UUID

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from shared.errors import NotFound, Refused
from shared.settings import PROJECT

FULL = {ENOSPC, EDQUOT, EFBIG}
_FULL_IN_WORDS = tuple(f"os error {number}" for number in FULL)  # all that the library tells of them
PATIENCE = {"timeout": "20s", "connect_timeout": "3s"}
RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
log = structlog.get_logger()


class Full(Refused):
    """There is no room for another photo; reports without photos are taken as ever."""

    status = 507
    code = "storage_full"


class Away(Refused):
    status = 503
    code = "storage_away"


class Files:
    """What belongs to one photo lies in a folder of its name, so that one photo's end is nobody else's.

    ``url`` is a folder (of the project, unless it is absolute), ``file:///…`` or ``s3://bucket/prefix``; ``options`` are the S3 client's.
    """

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        is_remote = "://" in url and not url.startswith("file://")
        self._folder = None if is_remote else _made(url.removeprefix("file://"))
        self._store: ObjectStore = LocalStore(self._folder) if self._folder else _bucket(url, dict(options))

    def keep(self, media_id: UUID, files: Mapping[str, bytes]) -> None:
        """On disk when this returns. Raises :class:`Full` and :class:`Away`; then call :meth:`remove`."""
        with _told():
            for name, data in files.items():
                obstore.put(self._store, f"{media_id}/{name}", data, use_multipart=False)
            if self._folder:
                _settle(self._folder / str(media_id))

    def read(self, media_id: UUID, name: str) -> bytes:
        """Raises :class:`NotFound` and :class:`Away`."""
        with _told():
            return bytes(obstore.get(self._store, f"{media_id}/{name}").bytes())

    def remove_one(self, media_id: UUID, name: str) -> None:
        """One file of a photo; fine when it is gone already. Raises :class:`Away`."""
        with _told(), suppress(FileNotFoundError):
            obstore.delete(self._store, f"{media_id}/{name}")

    def remove(self, media_id: UUID) -> None:
        """All of one photo, also what a process left half written when it died. Raises :class:`Away`."""
        if self._folder:
            shutil.rmtree(self._folder / str(media_id), ignore_errors=True)
            return
        with _told():
            for page in obstore.list(self._store, prefix=str(media_id)):
                obstore.delete(self._store, [found["path"] for found in page])


def _bucket(url: str, options: dict[str, Any]) -> ObjectStore:
    client: Any = {**PATIENCE, "allow_http": options.get("endpoint", "").startswith("http://")}
    return from_url(url, config=options, client_options=client, retry_config=RETRIES)  # type: ignore[call-overload,no-any-return]


def _made(path: str) -> Path:
    folder = PROJECT / path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _settle(folder: Path) -> None:
    """Power may fail after the row is committed: the file must not."""
    for path in (*folder.iterdir(), folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong with storage, in words for who asked; the rest is in the log."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("this photo has no such file") from None
    except (BaseError, OSError) as error:
        log.error("the storage of photos failed", error=f"{type(error).__name__}: {error}"[:200])
        if getattr(error, "errno", None) in FULL or any(words in str(error) for words in _FULL_IN_WORDS):
            raise Full("there is no room for more photos here just now; send it again later") from None
        raise Away("the storage of photos is away for a moment; send it again") from None
