"""What a portal learns before it sends anything."""

from datetime import datetime

import pytest

from shared import province
from shared.clock import now
from shared.province import Attribute
from tests.intake.conftest import opened
from tests.intake.georeport import V2, post, posted, read


class TestDiscovery:
    def test_tells_where_to_go_and_whom_to_ask(self, door, quang_tri):
        told = read(door, "discovery", "discovery")

        assert [(endpoint["type"], endpoint["url"]) for endpoint in told["endpoints"]] == [("production", door.settings.open311_url)]
        assert told["endpoints"][0]["formats"] == ["text/xml", "application/json"]
        assert quang_tri.hotline in told["contact"]
        assert "api_key" in told["key_service"]

    def test_tells_of_a_place_to_try_things_where_there_is_one(self, settings, template):
        tried = settings.model_copy(update={"open311_test_url": "https://thu.hoiam.example/open311/v2"})

        with opened(tried, template[1]) as office:
            assert {endpoint["type"] for endpoint in read(office, "discovery", "discovery")["endpoints"]} == {"production", "test"}

    @pytest.mark.parametrize(("form", "kind"), [("xml", "text/xml"), ("json", "application/json")])
    def test_names_no_charset_and_is_of_the_past(self, door, form, kind):
        answer = door.http.get(f"{V2}/discovery.{form}")

        assert answer.headers["content-type"] == kind
        assert datetime.fromisoformat(door.http.get(f"{V2}/discovery.json").json()["changeset"]) < now()


class TestServices:
    def test_are_the_categories_of_the_province(self, door, quang_tri):
        told = read(door, "services", "services")

        assert [service["service_code"] for service in told] == list(quang_tri.categories)
        pothole = next(service for service in told if service["service_code"] == "GT01")
        assert (pothole["service_name"], pothole["group"], pothole["metadata"]) == ("Ổ gà, hư hỏng mặt đường", "Giao thông", True)
        assert "ổ gà" in pothole["keywords"].split(",")
        assert {service["metadata"] for service in told} == {True, False}

    def test_of_this_jurisdiction_are_found_under_its_name(self, door):
        assert read(door, "services", "services", jurisdiction_id="quang-tri") == read(door, "services", "services", jurisdiction_id="")


class TestServiceDefinition:
    def test_has_the_questions_of_the_category(self, door, quang_tri):
        told = read(door, "services/GT01", "service_definition")

        [road] = told["attributes"]
        assert (road["code"], road["datatype"], road["order"], road["variable"]) == ("LOAI_DUONG", "singlevaluelist", 1, True)
        assert road["description"] == "Loại đường"
        assert {"key": "quoc_lo", "name": "Quốc lộ"} in road["values"]

    def test_of_a_category_without_questions_has_none(self, door):
        assert read(door, "services/GT03", "service_definition") == {"service_code": "GT03", "attributes": []}


class TestEveryKindOfQuestion:
    KINDS = ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist")

    @pytest.fixture
    def asking(self, office, quang_tri):
        """A category that asks everything there is to ask."""
        words = {"vi": "Câu hỏi", "en": "Question"}
        values = [{"key": key, "name": {"vi": key, "en": key}} for key in ("mot", "hai", "ba")]
        questions = [
            Attribute.model_validate(
                {"code": kind.upper(), "question": words, "datatype": kind, "required": True, "values": values if "list" in kind else []}
            )
            for kind in self.KINDS
        ]
        light = quang_tri.categories["CS01"].model_copy(update={"attributes": tuple(questions)})
        changed = quang_tri.model_copy(update={"categories": {**quang_tri.categories, "CS01": light}})
        with office.rooms.begin() as session:
            province.store(session, changed.model_validate(changed.model_dump(mode="json")), now())
        with opened(office.settings, office.portal_key) as later:
            yield later

    def test_is_told_by_its_kind(self, asking):
        told = read(asking, "services/CS01", "service_definition")

        assert tuple(question["datatype"] for question in told["attributes"]) == self.KINDS
        assert [question["order"] for question in told["attributes"]] == [1, 2, 3, 4, 5, 6]

    def test_is_answered_in_the_form(self, asking):
        good = {
            "attribute[STRING]": "mười hai",
            "attribute[NUMBER]": "12.5",
            "attribute[DATETIME]": "2026-11-16T08:00:00+07:00",
            "attribute[TEXT]": "dòng một\ndòng hai",
            "attribute[SINGLEVALUELIST]": "mot",
            "attribute[MULTIVALUELIST][]": ["mot", "ba"],
        }

        code = posted(asking, **good)

        [shown] = read(asking, f"requests/{code}", "service_requests", extensions="true")
        assert {one["code"]: one["value"] for one in shown["attributes"]}["MULTIVALUELIST"] == "mot,ba"
        for name in good:
            answer = post(asking, **{**good, name: None})
            assert (answer.status_code, answer.json()[0]["code"]) == (400, 400)
            assert name.removesuffix("[]") in answer.json()[0]["description"]
