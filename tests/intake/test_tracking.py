"""Tracking codes: what is typed wrong is noticed, however it is typed right."""

import re

import pytest

from services.intake.domain.tracking import ALPHABET, Mistyped, check_character, new_code, read_code

CODE = "QT-7K3M-9PX" + check_character("7K3M9PX")


class TestNewCode:
    def test_looks_as_people_are_told(self):
        assert re.fullmatch(r"QT-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", new_code("QT"))

    def test_is_another_each_time_and_reads_back(self):
        codes = {new_code("QT") for _ in range(500)}

        assert len(codes) == 500
        assert {read_code(code, prefix="QT") for code in codes} == codes


class TestReadCode:
    @pytest.mark.parametrize("typed", [CODE, CODE.lower(), CODE.replace("-", ""), CODE[3:], f" {CODE.replace('-', ' ')} "])
    def test_finds_the_code_however_it_is_typed(self, typed):
        assert read_code(typed, prefix="QT") == CODE

    @pytest.mark.parametrize(("seen", "typed"), [("0", "O"), ("1", "I"), ("1", "l")])
    def test_takes_a_letter_for_the_digit_it_looks_like(self, seen, typed):
        body = seen * 7
        code = f"QT-{body[:4]}-{body[4:]}{check_character(body)}"

        assert read_code(code.replace(seen, typed), prefix="QT") == code

    def test_notices_every_single_wrong_character(self):
        for place in (*range(3, 7), *range(8, 12)):
            for wrong in set(ALPHABET) - {CODE[place]}:
                with pytest.raises(Mistyped):
                    read_code(CODE[:place] + wrong + CODE[place + 1 :], prefix="QT")

    def test_notices_every_two_characters_that_changed_places(self):
        body = CODE.replace("-", "")[2:]
        for left in range(8):
            for right in range(left + 1, 8):
                swapped = list(body)
                swapped[left], swapped[right] = body[right], body[left]
                if swapped != list(body):
                    with pytest.raises(Mistyped):
                        read_code("".join(swapped), prefix="QT")

    @pytest.mark.parametrize("typed", ["", "QT", CODE[:-1], CODE + "0", CODE[:3] + "\x00" + CODE[3:], "QT-7K3M-9PUU", "Đ" * 8, "0" * 1000])
    def test_takes_nothing_that_is_no_code(self, typed):
        with pytest.raises(Mistyped):
            read_code(typed, prefix="QT")
