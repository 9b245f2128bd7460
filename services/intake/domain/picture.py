"""A photo as it was taken → a photo as it may be shown: upright, still, without a word about where, when or with what it was taken.

Everything here happens to bytes of strangers, so ``developed`` is run in a process that may do nothing else (``shared.confined``).
"""

import json
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Self

from PIL import Image, ImageOps, UnidentifiedImageError

from shared.errors import Refused

FORMATS = ("JPEG", "PNG", "WEBP")
PIXELS = 40_000_000  # of a photo; what is packed small may be as large as memory
SMALLEST = 16  # pixels of a side
LONGEST, THUMBNAIL = 2560, 320  # pixels of the longer side of the copy and of its thumbnail
QUALITY = 85


class NotAPicture(Refused):
    """Whatever its name says."""

    status = 415
    code = "not_a_picture"


class Unfit(Refused):
    """A picture, and not one that can be taken."""

    status = 422
    code = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """JPEG files made anew, ``width`` and ``height`` those of the ``copy``. ``kind`` is what came: JPEG, PNG or WEBP."""

    kind: str
    width: int
    height: int
    copy: bytes
    thumbnail: bytes

    def packed(self) -> bytes:
        """To go through a pipe."""
        head = {**asdict(self), "copy": len(self.copy), "thumbnail": len(self.thumbnail)}
        return json.dumps(head).encode() + b"\n" + self.copy + self.thumbnail

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """What :meth:`packed` packed. Raises :class:`Refused` for what was refused instead."""
        first, _, rest = data.partition(b"\n")
        head = json.loads(first)
        if "refused" in head:
            raise (NotAPicture if head["refused"] == NotAPicture.code else Unfit)(head["detail"], code=head["refused"])
        length = head.pop("copy")
        return cls(**head | {"copy": rest[:length], "thumbnail": rest[length:]})


def developed(data: bytes) -> bytes:
    """A packed picture, or why there is none."""
    try:
        return _developed(data).packed()
    except Refused as refusal:
        return json.dumps({"refused": refusal.code, "detail": refusal.detail}).encode()


def _developed(data: bytes) -> Picture:
    image = _opened(data)
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    try:
        shown = _shown(image)
    except (OSError, SyntaxError, ValueError, EOFError):  # what the readers raise for what is cut off or makes no sense
        raise Unfit("the picture can't be read to its end: it is damaged, or was cut off on its way; send it again") from None
    small = shown.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    return Picture(kind=kind, width=shown.width, height=shown.height, copy=_jpeg(shown), thumbnail=_jpeg(small))


def _opened(data: bytes) -> Image.Image:
    """Only its head is read."""
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise NotAPicture("send a photo as JPEG, PNG or WebP: this is none, whatever it is named") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many() from None
    if image.width * image.height > PIXELS:
        raise _too_many()
    if min(image.size) < SMALLEST:
        raise Unfit(f"there is nothing to see in it: a photo has at least {SMALLEST} pixels on each side", code="too_small")
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # telephones keep a second view of the same moment in their JPEGs
        raise Unfit("send a still picture: this one moves", code="animated")
    return image


def _too_many() -> Unfit:
    return Unfit(f"a photo has at most {PIXELS // 1_000_000} million pixels; send a smaller one", code="too_many_pixels")


def _shown(image: Image.Image) -> Image.Image:
    """Upright, in three plain colours, no larger than anybody needs; made smaller first, so that the rest costs little."""
    if image.mode not in {"RGB", "RGBA", "L", "CMYK", "I;16"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((LONGEST, LONGEST))
    if image.mode == "I;16":
        image = image.convert("I").point(lambda light: light / 256).convert("L")  # plain conversion would cut off all above 255
    image = ImageOps.exif_transpose(image)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    image.info.clear()  # comments would be written again
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()
