"""What names people is found, however it is written; what does not is left alone. The corpus of formats was written for this test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.screening import CONTACTS, Kind, findings, redacted
from tests.builders import said
from tests.intake.conftest import a_body

PHONES = [
    "0905123456", "0905 123 456", "0905.123.456", "0905-123-456", "090 512 3456", "0 9 0 5 1 2 3 4 5 6", "(0905) 123456", "0905,123,456",
    "+84905123456", "+84 905 123 456", "+84 (0) 905 123 456", "84905123456", "0084 905 123 456", "+84-905-123-456", "(+84) 905123456",
    "o905123456", "O9O5123456", "0905_123_456", "0905/123/456", "0905 – 123 – 456", "0323456789", "0561234567", "0781234567", "0869123456",
    "0233 3852 123", "02333852123", "(0233) 3852123", "024.3825.1234", "+84 233 3852123", "0236-3-822-222",
    "không chín không năm một hai ba bốn năm sáu", "khong chin khong nam mot hai ba bon nam sau",
    "không, chín, không, năm, một, hai, ba, tư, năm, sáu",
]  # fmt: skip
EMAILS = [
    "lan@example.vn", "Nguyen.Van-A+pa@mail.example.com.vn", "lan @ example.vn", "lan(at)example.vn", "lan [at] example [dot] vn",
    "lan a còng example chấm vn", "LAN@EXAMPLE.VN",
]  # fmt: skip
PAPERS = [
    "045199001234",
    "045 199 001 234",
    "0451-9900-1234",
    "CMND 197123456",
    "số cmnd: 197 123 456",
    "căn cước số 045199001234",
    "hộ chiếu C1234567",
]
PLATES = ["74A-123.45", "74C1-123.45", "74A 12345", "29-B1 12345", "74H1-0123", "74A12345", "51F-970.22", "74-C1 123.45", "80NG-12345"]
INNOCENT = [
    "Đèn hỏng trước số 12 Hùng Vương từ 18 giờ ngày 15/11/2026.", "Quốc lộ 9, km 12+300, đoạn qua xã Cam Hiếu.",
    "Gọi 114 không ai nghe máy.",
    "Tổng đài 1900868674 báo đang xử lý.", "Mã phản ánh QT-7K2M9P4X gửi lúc 08:15.", "Tiền phạt 1.500.000 đồng, biên bản số 123/BB.",
    "Toạ độ 16.793312, 107.110612.", "Bốn năm nay đường vẫn hỏng, ba bốn nhà bị ngập.", "Hoá đơn tháng 10 là 2.345.678 đồng.",
    "Nhà số 05/123 đường 3/2.",
    "Trường có 1200 học sinh, 35 lớp.", "Quyết định 1478/2020/QĐ-UBND.",
]  # fmt: skip


def kinds(text: str) -> set[Kind]:
    return {finding.kind for finding in findings(text)}


class TestFindings:
    @pytest.mark.parametrize(
        ("kind", "written"),
        [
            *((Kind.PHONE, phone) for phone in PHONES),
            *((Kind.EMAIL, email) for email in EMAILS),
            *((Kind.IDENTITY, paper) for paper in PAPERS),
            *((Kind.PLATE, plate) for plate in PLATES),
        ],
    )
    def test_nothing_of_the_corpus_is_missed_and_nothing_of_it_is_left(self, kind, written):
        text = f"Nhờ cơ quan liên hệ {written} để biết thêm."

        assert kinds(text) == {kind}
        shown = redacted(text)
        assert not any(letter.isdigit() for letter in shown)
        assert findings(shown) == []

    @pytest.mark.parametrize("text", INNOCENT)
    def test_what_names_nobody_is_left_alone(self, text):
        assert redacted(text) == text

    def test_the_second_number_in_a_text_is_found_too(self):
        text = "Gọi 0905123456 hoặc 0233.3852.123, hoặc viết cho lan@example.vn."

        assert redacted(text) == "Gọi [số điện thoại] hoặc [số điện thoại], hoặc viết cho [địa chỉ e-mail]."

    def test_an_agency_is_told_the_plate_and_not_the_telephone_number(self):
        text = "Xe 74C-123.45 làm rơi đá, gọi tôi 0905123456."

        assert redacted(text, CONTACTS) == "Xe 74C-123.45 làm rơi đá, gọi tôi [số điện thoại]."

    @given(st.sampled_from(["03", "05", "07", "08", "09"]), st.integers(0, 10**8 - 1), st.text(" .-", min_size=9, max_size=9))
    def test_a_mobile_number_is_found_in_any_grouping(self, prefix, rest, gaps):
        digits = f"{prefix}{rest:08d}"
        written = "".join(digit + gap for digit, gap in zip(digits, [*gaps, ""], strict=True))

        assert kinds(f"Số {written} nhé") == {Kind.PHONE}

    @given(st.text(max_size=300))
    def test_any_text_is_read_to_its_end_and_reading_again_changes_nothing(self, text):
        once = redacted(text)

        assert redacted(once) == once


class TestPublicCopy:
    WORDS = "Đèn hỏng, xe 74C-123.45 tông gãy cột. Gọi tôi 0905.123.456 hoặc lan@example.vn"

    def test_shows_nobody_who_can_be_called(self, office):
        receipt = office.post(a_body(description=self.WORDS)).json()
        office.comment(receipt["tracking_code"], receipt["secret"], self.WORDS)

        shown = office.shown(receipt["tracking_code"])

        assert shown["description"] == "Đèn hỏng, xe [biển số xe] tông gãy cột. Gọi tôi [số điện thoại] hoặc [địa chỉ e-mail]"
        assert "0905" not in str(shown)

    def test_what_goes_over_the_bus_names_the_plate_and_nobody_to_call(self, office):
        receipt = office.post(a_body(description=self.WORDS)).json()
        office.comment(receipt["tracking_code"], receipt["secret"], self.WORDS)

        texts = [str(message) for message in said(office.rooms)]

        assert sum("74C-123.45" in words for words in texts) == 2
        assert not any("0905" in words or "lan@" in words for words in texts)
