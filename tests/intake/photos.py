"""Photos as telephones make them, and as people with bad intentions do; and what is left of them afterwards."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from httpx2 import Response
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from sqlalchemy import text

from services.intake import handlers
from services.intake.api.uploads import strip
from services.intake.store.files import Files
from shared.access import issue_token, new_key_pair
from shared.clock import now
from shared.messages import CaseAssigned, Tick
from tests.builders import MONDAY, envelope
from tests.intake.conftest import Office, a_body, opened

PRIVATE, PUBLIC = new_key_pair()
PLACE = b"HoaNhaSo12"  # a word that only the metadata has
ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825


def a_picture(width: int = 80, height: int = 60, mode: str = "RGB", colour: Any = None) -> Image.Image:
    """Plain, but for a dark upper left quarter."""
    image = Image.new(mode, (width, height), colour or ("orange" if mode == "RGB" else 200))
    if mode == "RGB":
        image.paste("black", (0, 0, width // 2, height // 2))
    return image


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def a_photo(**size: int) -> bytes:
    return saved(a_picture(**size))


def a_photo_with_a_place(orientation: int = 1) -> bytes:
    """As a telephone writes it: where, with what, a comment, XMP and a colour profile of its own."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, PLACE.decode()
    exif[GPS] = {1: "N", 2: (IFDRational(16), IFDRational(48), IFDRational(123456, 10000)), 3: "E", 29: "2026:11:16"}
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + PLACE + b"</x:xmpmeta>"
    return saved(a_picture(), exif=exif, comment=PLACE, xmp=xmp, icc_profile=PLACE * 20)


def a_png(width: int, height: int, *, rows: int = 0, colour_type: int = 2) -> bytes:
    """A PNG that claims ``width`` by ``height`` RGB pixels (colour type 6: RGBA) and has ``rows`` black rows, packed as small as can be."""
    channels = {2: 3, 6: 4}[colour_type]
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(bytes(1 + width * channels)) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@dataclass(frozen=True)
class Studio:
    """An office that takes photos. The office's clock is the real one; time is moved by saying when the sweep happens."""

    office: Office
    files: Files
    folder: Path

    def token(self, role: str) -> dict[str, str]:
        token = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"}

    @property
    def portal(self) -> dict[str, str]:
        return {"X-Api-Key": self.office.portal_key}

    def report(self, **fields: Any) -> dict[str, str]:
        """The receipt of a fresh report."""
        answer = self.office.post(a_body(**fields), key=f"photo-{self.office.rows('reports')}")
        assert answer.status_code == 201, answer.text
        return answer.json()

    def add(self, receipt: dict[str, str], data: bytes, *, name: str = "photo.jpg", **headers: str) -> Response:
        """In a form, with the secret of the reporter's link unless ``headers`` say otherwise."""
        proof = headers or {"X-Report-Secret": receipt["secret"]}
        url = f"/v1/reports/{receipt['tracking_code']}/media"
        return self.office.http.post(url, files={"file": (name, data, "image/jpeg")}, headers=proof)

    def announce(self, report_id: str | None = None, **headers: str) -> Response:
        body = {"report_id": report_id} if report_id else {}
        return self.office.http.post("/v1/media", json=body, headers=headers or self.portal)

    def send(self, link: dict[str, str], data: Any, *, secret: str = "") -> Response:
        return self.office.http.put(link["url"], content=data, headers={"X-Upload-Secret": secret or link["secret"]})

    def sent(self, data: bytes, report_id: str | None = None, **headers: str) -> dict[str, Any]:
        """Announced and sent: its receipt."""
        answer = self.send(self.announce(report_id, **headers).json(), data)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str, **headers: str) -> Response:
        return self.office.http.get(path, headers=headers)

    def screen(self, media_id: str, decision: str, **headers: str) -> Response:
        url = f"/v1/media/{media_id}/screening"
        return self.office.http.post(url, json={"decision": decision}, headers=headers or self.token("operator"))

    def held_by(self, agency: str) -> dict[str, str]:
        """The receipt of a report that ``agency`` has."""
        receipt = self.report()
        assigned = CaseAssigned(report_id=UUID(receipt["report_id"]), at=MONDAY, agency=agency, version=2, due_at=MONDAY, hop=1)
        self.office.handling.together([envelope(assigned)])
        return receipt

    def sweep(self, after: timedelta) -> None:
        """As the loop does, so long after now."""
        sweep = handlers.sweeper(self.files.remove, partial(strip, self.files))
        self.office.handling.run(lambda session: sweep(Tick(at=now() + after), session))

    def expire(self, media_id: str) -> None:
        with self.office.rooms.begin() as session:
            session.execute(text("UPDATE media SET expires_at = created_at WHERE id = :id"), {"id": UUID(media_id)})

    def left(self) -> tuple[int, list[str]]:
        """How many rows, and which files and folders."""
        return self.office.rows("media"), sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


def problem(answer: Response) -> tuple[int, str]:
    """Status and code of an answer that says no, as the house says it."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert "Traceback" not in answer.text
    return answer.status_code, answer.json()["code"]


NOTHING: tuple[int, list[str]] = (0, [])


@contextmanager
def open_studio(office: Office, **changes: Any) -> Iterator[Studio]:
    """Beside ``office``, with ``changes`` to its settings and a key that tokens are proven by."""
    settings = office.settings.model_copy(update={"jwt_public_key": PUBLIC, **changes})
    with opened(settings, office.portal_key) as other:
        options = dict(pair.split("=", 1) for pair in settings.media_options.split())
        yield Studio(other, Files(settings.media_url, options), Path(settings.media_url))
