"""How good suggestions are, on made-up reports that nothing was learned from; what is said about them, and where."""

import re

import pytest

from services.routing.domain.suggesting import Example, Suggester, words_in
from shared.province import Province
from shared.settings import PROJECT
from shared.texts import folded

SAMPLE = PROJECT / "deploy/samples/labelled-reports.tsv"
LABELLED = [line.split("\t") for line in SAMPLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
FIRST, AMONG_THREE, SURE, FALSE_ALARMS = 0.65, 0.82, 0.85, 0.04  # floors, and one ceiling


@pytest.fixture(scope="module")
def suggester(quang_tri: Province) -> Suggester:
    return Suggester(quang_tri)


def right(suggester: Suggester, among: int = 1) -> float:
    hits = [any(one.category == category for one in suggester.suggest(text)[:among]) for category, text in LABELLED]
    return sum(hits) / len(hits)


class TestSample:
    def test_covers_every_category_with_and_without_diacritics(self, quang_tri):
        by_category: dict[str, list[str]] = {}
        for category, text in LABELLED:
            by_category.setdefault(category, []).append(text)
        plain = [text for _, text in LABELLED if text.isascii()]

        assert by_category.keys() == {code for code, category in quang_tri.categories.items() if not category.by_hand}
        assert min(len(texts) for texts in by_category.values()) == 8
        assert 0.3 < len(plain) / len(LABELLED) < 0.7

    def test_and_keywords_have_nothing_of_each_other(self, quang_tri):
        """Keywords are short and general; one that is a good part of a sentence here was taken from it."""
        keywords = [folded(word) for category in quang_tri.categories.values() for word in category.keywords]
        copied = [
            (keyword, text)
            for keyword in keywords
            for _, text in LABELLED
            if keyword in folded(text) and len(keyword.split()) > max(4, len(text.split()) // 2)
        ]
        own = [any(folded(word) in folded(text) for word in quang_tri.categories[category].keywords) for category, text in LABELLED]

        assert copied == []
        assert sum(own) / len(own) < 0.6  # a sample written around the keywords would have them everywhere

    def test_is_in_no_other_file_of_ours(self):
        texts = {text for _, text in LABELLED}
        ours = [path for folder in ("services", "shared", "deploy", "tests") for path in (PROJECT / folder).rglob("*.*")]
        for path in ours:
            if path != SAMPLE and path.suffix in {".py", ".yaml", ".json", ".tsv"}:
                content = path.read_text(encoding="utf-8")
                assert not [text for text in texts if text in content], path


class TestSuggest:
    def test_is_right_so_often_from_the_provinces_own_words_alone(self, suggester):
        assert right(suggester) >= FIRST
        assert right(suggester, among=3) >= AMONG_THREE

    def test_is_right_more_often_when_it_is_sure(self, suggester):
        sure = [(category, found[0]) for category, text in LABELLED if (found := suggester.suggest(text)) and found[0].chance >= 0.8]

        assert len(sure) > len(LABELLED) / 5
        assert sum(one.category == category for category, one in sure) / len(sure) >= SURE

    def test_learns_from_past_decisions(self, quang_tri, suggester):
        text = "Cái flycam cứ bay vo ve trên mái nhà tôi"
        taught = Suggester(quang_tri, [Example(text=f"flycam bay trên nhà dân lần {number}", category="AN01") for number in range(10)])

        assert suggester.suggest(text)[0].category != "AN01"
        assert taught.suggest(text)[0].category == "AN01"
        assert "flycam" in " ".join(taught.suggest(text)[0].words)

    def test_says_which_words_made_it(self, suggester):
        [first, *_] = suggester.suggest("bao gio moi sua den duong cho dan")

        assert first.category == "CS01"
        assert "den duong" in first.words

    @pytest.mark.parametrize("text", ["", "12 34", "xyzzy plugh", "\u0000\u0301", "a" * 4000])
    def test_of_words_nobody_knows_there_is_none(self, suggester, text):
        assert suggester.suggest(text) == []

    def test_is_by_words_that_are_in_the_text(self, suggester):
        for _, text in LABELLED[::20]:
            for one in suggester.suggest(text):
                assert set(one.words) <= set(words_in(text))
                assert 0 <= one.chance <= 1


class TestInsteadOf:
    def test_seldom_doubts_what_is_right(self, suggester):
        alarms = [text for category, text in LABELLED if suggester.instead_of(category, text)]

        assert len(alarms) / len(LABELLED) <= FALSE_ALARMS

    def test_finds_what_is_plainly_something_else(self, suggester):
        found = suggester.instead_of("GD01", "Đèn đường hỏng, đèn chiếu sáng không sáng cả tuần")

        assert found is not None
        assert found.category == "CS01"


class TestWhereItIsShown:
    def test_in_an_explanation_with_a_doubt_about_the_category(self, http):
        body = {"category": "GD01", "location": {"area": "dh"}, "description": "Đèn đường hỏng, đèn chiếu sáng không sáng"}

        told = http.post("/v1/route:explain", json=body).json()

        assert told["suggestions"][0]["category"] == "CS01"
        assert told["looks_wrong"]
        assert told["rule"] == "gd01"  # it never overrides

    def test_in_triage_with_the_agency_that_follows_from_it(self, http, receive):
        receive(category="KH99", description="Đèn đường hỏng, đèn chiếu sáng không sáng")

        [entry] = http.get("/v1/triage").json()["reports"]

        assert re.match("Nội dung giống lĩnh vực “Đèn đường hỏng”", entry["candidates"][0]["reason"])
        assert (entry["candidates"][0]["agency"], entry["candidates"][0]["category"]) == ("dh", "CS01")
        assert entry["suggestions"][0]["name"] == "Đèn đường hỏng"
