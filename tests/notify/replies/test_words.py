"""Whose a reply is, whether a person wrote it, and which words are new."""

from email.message import EmailMessage
from uuid import uuid4

import pytest

from services.notify.domain.replies import Token, Whose, bounce_of, is_automatic, new_words, read_mail
from tests.notify.conftest import LINK_KEY


class TestToken:
    def test_survives_what_mail_servers_do_to_letters(self):
        token = Token.made(LINK_KEY, Whose.REPORTER, uuid4(), "hash")

        read = Token.read(token.address("reply@hoiam.example").upper())

        assert read == token
        assert read.is_of(LINK_KEY, "hash")
        assert not read.is_of(LINK_KEY, "another")
        assert not read.is_of(LINK_KEY + "x", "hash")

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "@",
            "reply@x.example",
            "reply+@x.example",
            "reply+aaaa@x.example",
            "reply+đ@x.example",
            "x+" + "a" * 47 + "@x.example",
            "reply+" + "a" * 47,
        ],
    )
    def test_of_anything_else_is_none(self, address):
        assert Token.read(address) is None


class TestWords:
    @pytest.mark.parametrize(
        "tail",
        [
            "\nVào 16:30, Th 6, 27 thg 11, 2026 Hồi Âm <reply+x@y.example> đã viết:\n> cũ",
            "\nVào Th 6, 27 thg 11, 2026 vào lúc 16:30 Hồi Âm <\nreply+x@y.example> đã viết:\n\n> cũ\n> cũ",
            "\nOn Fri, 27 Nov 2026 at 16:30, Hồi Âm wrote:\n> cũ",
            "\n-----Original Message-----\nFrom: Hồi Âm\ncũ",
            "\nTừ: Hồi Âm <x@y.example>\nĐã gửi: thứ Sáu\nTới: Lan\ncũ",
            "\n*From:* Hồi Âm\n*Sent:* Friday\n\ncũ",
            "\n-- \nLan\n0912",
            "\nĐã gửi từ iPhone của tôi\n\n> cũ",
            "\nSent from my Galaxy\ncũ",
            "\n________________________________\ncũ",
        ],
    )
    def test_of_older_letters_and_signatures_are_left_out(self, tail):
        assert new_words(f"Đèn vẫn tắt.\nNhà số 12.\n{tail}") == "Đèn vẫn tắt.\nNhà số 12."

    def test_between_quoted_lines_are_kept(self):
        assert new_words("> Đèn số mấy?\nSố 12.\n> Từ bao giờ?\nHôm qua.") == "Số 12.\nHôm qua."

    def test_that_only_look_like_it_are_kept(self):
        text = "Từ: đầu ngõ đến cuối ngõ đều tối.\nOn và off đều không được, tôi đã viết: không ai trả lời."

        assert new_words(text) == text

    def test_are_found_in_time_whatever_is_sent(self):
        for bad in ("On " * 30_000, "On a\n" * 30_000, "Từ:\n" * 30_000, "> " * 50_000, "wrote:\n" * 30_000, "on x\nwrote:\n" * 20_000):
            new_words(bad)

    def test_have_no_control_characters(self):
        assert new_words("a\x00b\x1b[31m\tc") == "ab[31m c"


class TestMail:
    def test_of_a_person_is_heard(self):
        mail = EmailMessage()
        mail["From"], mail["Auto-Submitted"] = "lan@example.vn", "no"
        mail.set_content("chào")

        read = read_mail(mail.as_bytes(), "lan@example.vn")

        assert read is not None
        assert (read.automatic, read.words, bounce_of(mail)) == (False, "chào", None)
        assert is_automatic(mail, "")
