"""What is made of a picture: whatever came in, a plain upright JPEG comes out, or a reason why not."""

from io import BytesIO

import pytest
from PIL import Image

from services.intake.domain.picture import LONGEST, THUMBNAIL, NotAPicture, Picture, Unfit, developed
from tests.intake.photos import PLACE, a_photo, a_photo_with_a_place, a_picture, a_png, saved

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def shown(data: bytes) -> Picture:
    return Picture.unpacked(developed(data))


def seen(jpeg: bytes) -> Image.Image:
    image = Image.open(BytesIO(jpeg))
    image.load()
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


class TestCopy:
    @pytest.mark.parametrize(
        ("kind", "mode", "options"),
        [("JPEG", "RGB", {}), ("JPEG", "L", {}), ("JPEG", "CMYK", {}), ("JPEG", "RGB", {"progressive": True}), ("PNG", "RGB", {}),
         ("PNG", "RGBA", {}), ("PNG", "P", {}), ("PNG", "1", {}), ("PNG", "LA", {}), ("PNG", "I;16", {}), ("PNG", "L", {"transparency": 9}),
         ("WEBP", "RGB", {}), ("WEBP", "RGBA", {"lossless": True})],
    )  # fmt: skip
    def test_is_a_plain_jpeg_whatever_came(self, kind, mode, options):
        picture = shown(saved(Image.new(mode, (80, 60)), kind, **options))

        assert picture.kind == kind
        assert seen(picture.copy).size == seen(picture.thumbnail).size == (picture.width, picture.height) == (80, 60)

    def test_of_sixteen_bits_keeps_its_light(self):
        grey = seen(shown(saved(Image.new("I;16", (80, 60), 0x8000), "PNG")).copy).getpixel((40, 30))

        assert all(120 <= channel <= 136 for channel in grey)

    def test_of_ink_keeps_its_colour(self):
        red, green, blue = seen(shown(saved(Image.new("CMYK", (80, 60), (0, 255, 255, 0)))).copy).getpixel((40, 30))

        assert red > 200
        assert max(green, blue) < 60

    def test_shows_what_can_be_seen_through_on_white(self):
        assert min(seen(shown(saved(Image.new("RGBA", (80, 60), (0, 0, 0, 0)), "PNG")).copy).getpixel((40, 30))) > 250

    def test_has_no_word_about_where_or_with_what(self):
        data = a_photo_with_a_place()
        assert PLACE in data

        picture = shown(data)

        for jpeg in (picture.copy, picture.thumbnail):
            assert PLACE not in jpeg
            assert not {"exif", "comment", "icc_profile", "xmp", "photoshop"} & seen(jpeg).info.keys()

    @pytest.mark.parametrize(("orientation", "dark"), [(1, (0, 0)), (3, (1, 1)), (6, (1, 0)), (8, (0, 1))])
    def test_is_upright(self, orientation, dark):
        image = seen(shown(a_photo_with_a_place(orientation)).copy)

        assert image.size == ((80, 60) if orientation in {1, 3} else (60, 80))
        corner = [(image.width - 5) * dark[0] + 2, (image.height - 5) * dark[1] + 2]
        assert max(image.getpixel(tuple(corner))) < 60

    def test_is_no_larger_than_anybody_needs(self):
        picture = shown(a_photo(width=4000, height=3000))

        assert seen(picture.copy).size == (LONGEST, 1920)
        assert seen(picture.thumbnail).size == (THUMBNAIL, 240)

    @pytest.mark.parametrize("tail", [b"<html><script>alert(1)</script>", b"PK\x03\x04" + b"\0" * 60 + b"PK\x05\x06" + b"\0" * 18])
    def test_has_nothing_of_a_second_file_behind_the_first(self, tail):
        assert tail[:8] not in shown(a_photo() + tail).copy

    def test_of_a_telephones_two_views_is_the_first(self):
        data = saved(a_picture(), "MPO", save_all=True, append_images=[a_picture(mode="L")])

        assert shown(data).kind == "JPEG"

    def test_is_the_same_for_the_same(self):
        assert shown(a_photo()) == shown(a_photo())


class TestRefusal:
    @pytest.mark.parametrize(
        "data",
        [b"", b"hello", SVG, saved(a_picture(), "GIF"), saved(a_picture(), "BMP"), saved(a_picture(), "TIFF"), b"%PDF-1.7\n", b"PK\x03\x04",
         b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"II*\0" + b"\0" * 40, b"%!PS-Adobe-3.0 EPSF-3.0\n"],
        ids=range(13),
    )  # fmt: skip
    def test_of_what_is_no_photo(self, data):
        with pytest.raises(NotAPicture):
            shown(data)

    @pytest.mark.parametrize(
        ("code", "data"),
        [
            ("too_many_pixels", a_png(65_000, 65_000)),
            ("too_many_pixels", a_png(2**31 - 1, 2**31 - 1)),
            ("too_many_pixels", a_png(10_000, 10_000)),
            ("too_many_pixels", a_png(8_000, 5_001)),
            ("too_small", a_photo(width=1, height=1)),
            ("too_small", a_photo(width=3000, height=15)),
            ("unreadable", a_photo(width=800, height=600)[:-2000]),
            ("unreadable", saved(Image.effect_noise((200, 200), 50), "PNG")[:5000]),
            ("unreadable", saved(a_picture(), "PNG")[:60]),
            ("animated", saved(a_picture(), "PNG", save_all=True, append_images=[a_picture(mode="L").convert("RGB")])),
            ("animated", saved(a_picture(), "WEBP", save_all=True, append_images=[a_picture(mode="L").convert("RGB")])),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_says_what_is_wrong(self, code, data):
        with pytest.raises(Unfit) as refusal:
            shown(data)

        assert refusal.value.code == code
