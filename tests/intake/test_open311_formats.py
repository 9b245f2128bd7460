"""One model in two formats, whatever people wrote into it."""

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.open311.formats import Format, written
from tests.intake.georeport import from_xml, in_words

HOSTILE = [
    "<script>alert('x')</script>",
    "]]></description><status>closed</status>",
    "&quot; & < > \" '",
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "dòng một\r\ndòng hai\rdòng ba\n\tdòng bốn",
    "Ổ gà 🕳️ ở Đông Hà",
]
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)  # a report is UTF-8, which has no half characters


def legal(letter: str) -> bool:
    """A Char of XML 1.0."""
    return letter in "\t\n\r" or " " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter >= "\U00010000"


class TestXml:
    @given(TEXT)
    def test_any_text_is_read_back_without_what_xml_forbids(self, text):
        document = written(Format.XML, "service_requests", [{"description": text}])

        assert from_xml(document) == [{"description": "".join(filter(legal, text))}]

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_nothing_but_text(self, text):
        root = ElementTree.fromstring(written(Format.XML, "service_requests", [{"description": text, "status": "open"}]))

        assert [element.tag for element in root.iter()] == ["service_requests", "request", "description", "status"]
        assert root.findtext("request/description") == text

    def test_control_characters_are_dropped(self):
        assert from_xml(written(Format.XML, "service_requests", [{"description": "a\x00\x08\x1b[2J\ufffeb"}])) == [{"description": "a[2Jb"}]

    def test_says_nothing_and_yes_and_no_as_the_specification_does(self):
        document = written(Format.XML, "services", [{"a": None, "b": True, "c": False, "d": 16.8, "keywords": "x"}])

        assert b"<services><service><a></a><b>true</b><c>false</c><d>16.8</d><keywords>x</keywords></service></services>" in document

    def test_an_empty_list_is_an_empty_element(self):
        assert written(Format.XML, "service_requests", []).endswith(b"<service_requests></service_requests>")


class TestJson:
    @given(TEXT)
    def test_says_what_xml_says(self, text):
        model = [{"description": "".join(filter(legal, text)), "lat": 16.8, "long": None, "notes": [{"type": text[:1] or "x"}]}]
        model[0]["notes"][0]["type"] = "x"

        assert in_words(json.loads(written(Format.JSON, "service_requests", model))) == from_xml(
            written(Format.XML, "service_requests", model)
        )

    def test_has_no_root_and_real_letters(self):
        assert written(Format.JSON, "services", [{"service_name": "Đèn"}]) == '[{"service_name":"Đèn"}]'.encode()
