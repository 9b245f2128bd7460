"""Made pages are current, and say what they should."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from services.cli.pages import asyncapi, pages
from services.cli.system import HANDLERS
from shared.envelope import encode
from shared.messages import FACTS
from tests.builders import envelope, received


class TestPages:
    @pytest.mark.parametrize("path", list(pages()), ids=lambda path: path.name)
    def test_a_made_page_is_what_the_code_would_make_now(self, path):
        assert path.read_text(encoding="utf-8") == pages()[path], "run `hoiam pages`"


class TestAsyncApi:
    def test_a_real_event_fits_its_published_schema(self):
        document = yaml.safe_load(asyncapi())
        schema = {**document["components"]["schemas"]["ReportReceivedEvent"], "components": document["components"]}

        assert list(Draft202012Validator(schema).iter_errors(json.loads(encode(envelope(received()))))) == []

    def test_every_reference_leads_somewhere(self):
        text = asyncapi()
        document = yaml.safe_load(text)

        for line in text.splitlines():
            if "$ref:" in line:
                here = document
                for part in line.split("$ref:")[1].strip().strip("'\"").removeprefix("#/").split("/"):
                    here = here[part]


class TestContract:
    def test_every_fact_that_is_said_is_heard_by_somebody(self):
        heard = {kind for handlers in HANDLERS.values() for kind in handlers}
        later = {"clock.met"}  # said by nobody yet
        said = {kind for kinds in FACTS.values() for kind in kinds if kind.topic not in later}

        assert {kind.topic for kind in said - heard} == set()

    @pytest.mark.parametrize("topic", ["reporter.reachable", "follower.reachable"])
    def test_contacts_go_to_notify_alone(self, topic):
        readers = {service for service, handlers in HANDLERS.items() for kind in handlers if getattr(kind, "topic", "") == topic}

        assert readers == {"notify"}
