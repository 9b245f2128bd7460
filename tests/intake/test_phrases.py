"""What seems not to be for this service is said at once, with where to go; what insults is not shown. By phrases of the province."""

import pytest

from services.intake.domain.phrases import LEFT_OUT, advice, is_abusive, public_copy
from tests.builders import said
from tests.intake.conftest import a_body

ELSEWHERE = [
    ("khieu-nai", "Tôi gửi đơn khiếu nại về việc cưỡng chế."),
    ("khieu-nai", "Gia đình xin KHIẾU NẠI quyết định thu hồi đất số 12."),
    ("khieu-nai", "Toi gui don khieu nai lan hai."),
    ("to-cao", "Tôi tố cáo ông chủ tịch xã bao che."),
    ("to-cao", "Cán bộ địa chính nhận hối lộ 5 triệu đồng."),
    ("tranh-chap-dan-su", "Hai nhà tranh chấp ranh giới đất từ năm 2019."),
    ("tranh-chap-dan-su", "Ông ấy vay tiền không trả."),
    ("dang-toa-an", "Vụ này tòa án đã thụ lý."),
    ("dang-toa-an", "Vụ này TOÀ  ÁN đang xét xử."),
    ("ho-so-tthc", "Nhờ tra cứu hồ sơ của tôi."),
    ("ho-so-tthc", "Làm căn cước ở đâu?"),
    ("cap-cuu", "Nhà đang cháy ở kiệt 12 Lê Lợi!"),
    ("cap-cuu", "Có người bị điện giật, nguy kịch."),
    ("cap-cuu", "Tai nạn nghiêm trọng, cần xe cấp cứu."),
]
HERE = [
    "Đèn đường trước cổng tòa án hỏng.",
    "Rác chất đống bên hông Toà án tỉnh.",
    "Cây to cao ngã vào dây điện.",
    "Hồ nước bẩn, sơ sài.",
    "Bà con tranh nhau chỗ đậu xe.",
    "Nắp cống vỡ trước bệnh viện, chỗ xe ra vào.",
    "Hàng xóm hát karaoke ồn đến khuya.",
    "Cháy bóng đèn, cả đường tối om.",
    "Cán bộ một cửa làm khó dễ, hẹn nhiều lần.",
]
INSULTS = ["Bọn khốn nạn làm ăn thế à", "ĐM tụi bay", "Mấy thằng  ngu này", "đồ mất dạy!"]
DECENT = [
    "Con chó nhà bên cắn người.",
    "Bán hạt óc chó ở vỉa hè.",
    "Khu này đủ má bán hàng rong.",
    "Đường dài 5 dm.",
    "Học sinh vô học trễ.",
    "Súc vật thả rông phá lúa.",
]


class TestAdvice:
    @pytest.mark.parametrize(("code", "text"), ELSEWHERE)
    def test_names_where_to_go_and_why(self, quang_tri, code, text):
        [found, *more] = advice(text, quang_tri)

        assert (found.code, more) == (code, [])
        assert found.because in " ".join(text.lower().split())
        assert found.text == quang_tri.redirects[code].text

    @pytest.mark.parametrize("text", HERE)
    def test_is_silent_about_what_belongs_here(self, quang_tri, text):
        assert advice(text, quang_tri) == []

    def test_puts_danger_first(self, quang_tri):
        found = advice("Tôi gửi đơn khiếu nại, mà nay nhà đang cháy.", quang_tri)

        assert [(one.code, one.urgent) for one in found] == [("cap-cuu", True), ("khieu-nai", False)]


class TestInsults:
    @pytest.mark.parametrize("text", INSULTS)
    def test_are_noticed_and_left_out(self, quang_tri, text):
        assert is_abusive(text, quang_tri)
        assert LEFT_OUT in public_copy(text, quang_tri)
        assert not is_abusive(public_copy(text, quang_tri), quang_tri)

    @pytest.mark.parametrize("text", DECENT)
    def test_are_not_seen_where_there_are_none(self, quang_tri, text):
        assert not is_abusive(text, quang_tri)


class TestReportThatBelongsElsewhere:
    WORDS = "Nhà đang cháy, mấy thằng ngu không ai đến. Gọi tôi 0905123456."

    def test_is_received_all_the_same_and_answered_at_once(self, office):
        answer = office.post(a_body(description=self.WORDS))

        assert answer.status_code == 201
        [found] = answer.json()["advice"]
        assert (found["code"], found["urgent"]) == ("cap-cuu", True)
        assert "114" in found["text"]["vi"]
        assert "114" in found["text"]["en"]

    def test_gets_the_same_answer_when_it_is_sent_again(self, office):
        first, second = (office.post(a_body(description=self.WORDS)).json() for _ in range(2))

        assert first == second

    def test_is_marked_for_the_operations_centre(self, office):
        office.post(a_body(description=self.WORDS))

        [received] = said(office.rooms)
        assert (received.advice, received.abusive) == (("cap-cuu",), True)

    def test_is_shown_without_the_insult_and_handled_with_it(self, office):
        _, code = office.received(description=self.WORDS)

        shown = office.shown(code)["description"]
        [received] = said(office.rooms)
        assert shown == f"Nhà đang cháy, mấy {LEFT_OUT} không ai đến. Gọi tôi [số điện thoại]."
        assert "thằng ngu" in received.description

    def test_is_answered_so_by_the_door_of_open311_too(self, office):
        form = {"api_key": office.portal_key, "service_code": "CS01", "description": self.WORDS, "address_id": "dh"}

        [told] = office.http.post("/open311/v2/requests.json", data=form).json()

        assert told["service_request_id"]
        assert told["service_notice"].startswith("Hãy gọi ngay: 113")

    def test_is_listed_without_the_insult_by_every_door(self, office):
        _, code = office.received(description=self.WORDS)

        lists = [office.http.get(path).text for path in ("/v1/reports", "/open311/v2/requests.json", "/open311/v2/bulk/requests.csv")]

        assert all(code in shown and LEFT_OUT in shown and "thằng ngu" not in shown for shown in lists)

    def test_that_is_plain_gets_no_advice(self, office):
        answer = office.post(a_body()).json()

        assert answer["advice"] == []
        assert not said(office.rooms)[0].abusive
