"""Alerts and dashboards speak of what the services really show, and every alert says what to do."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.debian import ensure_watchers
from services.cli.metrics_page import shown
from services.cli.runbook import PAGE
from services.cli.system import HANDLERS
from shared.settings import PROJECT

MONITORING = PROJECT / "deploy/prometheus"
ALERTMANAGER = PROJECT / "deploy/alertmanager/alertmanager.yml"
DASHBOARDS = sorted((PROJECT / "deploy/grafana/dashboards").glob("*.json"))
RULES = [rule for group in yaml.safe_load((MONITORING / "rules.yml").read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
NAMES = [rule["alert"] for rule in RULES]
METRIC = re.compile(r"\b(?:hoiam|rabbitmq|process)_[a-z_]+\b|\bup\b|\bALERTS\b")
OTHERS = {  # of Prometheus itself, of the Python client, and of RabbitMQ (tests/system/test_watching.py asks it for those)
    "up",
    "ALERTS",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "rabbitmq_alarms_free_disk_space_watermark",
    "rabbitmq_alarms_memory_used_watermark",
    "rabbitmq_connections",
    "rabbitmq_detailed_queue_messages",
    "rabbitmq_detailed_queue_consumers",
    "rabbitmq_disk_space_available_bytes",
    "rabbitmq_global_messages_delivered_total",
    "rabbitmq_global_messages_received_total",
    "rabbitmq_process_resident_memory_bytes",
    "rabbitmq_resident_memory_limit_bytes",
}
VIEWS = {"mine", "overdue", "due_soon", "to_answer", "waiting_for_approval"}


def series() -> set[str]:
    """The names of the series that the services' /metrics can have, as the code names them."""
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return {one.name + part for one in shown() for part in parts.get(one.kind, ("",))} | OTHERS


def used(expression: str) -> set[str]:
    """The series an expression reads; words in quotes and label names are none."""
    bare = re.sub(r'"[^"]*"|\b(?:by|without|on)\s*\([^)]*\)', "", expression)
    return set(METRIC.findall(bare))


def panels(path: Path) -> list[dict[str, Any]]:
    """Of a dashboard, its rows left out."""
    return [panel for panel in json.loads(path.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


def expressions(path: Path) -> list[str]:
    """Every query of a dashboard."""
    return [target["expr"] for panel in panels(path) for target in panel["targets"]]


def ran(*command: str) -> str:
    """What the tool says, which must agree."""
    ensure_watchers()
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def receiver(**labels: str) -> str:
    """Who hears of an alert with these labels, by the routes of Alertmanager."""
    words = (f"{name}={value}" for name, value in labels.items())
    return ran("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *words)


class TestRules:
    @pytest.mark.parametrize("rule", RULES, ids=NAMES)
    def test_an_alert_says_how_grave_it_is_and_what_to_do(self, rule):
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "action", "runbook_url"}
        assert rule.keys() <= {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))

    @pytest.mark.parametrize("rule", RULES, ids=NAMES)
    def test_an_alert_asks_for_what_is_shown(self, rule):
        assert used(rule["expr"])
        assert used(rule["expr"]) - series() == set()

    @pytest.mark.parametrize("name", NAMES)
    def test_each_is_seen_silent_firing_and_silent_again(self, name):
        groups = yaml.safe_load((MONITORING / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
        [story] = [group for group in groups if group["name"].startswith(f"{name}: ")]
        about = f'ALERTS{{alertname="{name}", alertstate="firing"}}'

        assert all(about in step["expr"] for step in story["promql_expr_test"])
        assert [bool(step["exp_samples"]) for step in story["promql_expr_test"]] == [False, True, False]

    def test_every_service_is_missed_when_it_is_gone(self):
        [down] = [rule for rule in RULES if rule["alert"] == "ServiceDown"]
        [job] = [job for job in _prometheus()["scrape_configs"] if job["job_name"] == "hoiam"]

        assert set(re.findall(r'absent\(up\{job="hoiam", service="(\w+)"\}', down["expr"])) == set(HANDLERS)
        assert set(job["dns_sd_configs"][0]["names"]) == set(HANDLERS)

    def test_promtool_agrees(self):
        ran("promtool", "check", "config", "prometheus.yml")
        ran("promtool", "test", "rules", "rules_test.yml")


class TestRunbook:
    """docs/operations.md, which Grafana serves as a page."""

    def test_every_alert_has_its_paragraph_and_every_paragraph_its_alert(self):
        text = (PROJECT / "docs/operations.md").read_text(encoding="utf-8")
        part = text.split("\n## Alerts\n")[1].split("\n## ")[0]

        assert sorted(re.findall(r"^### (\w+)$", part, re.M)) == sorted(NAMES)

    @pytest.mark.parametrize("rule", RULES, ids=NAMES)
    def test_the_link_of_an_alert_leads_to_its_paragraph(self, rule):
        address, _, place = rule["annotations"]["runbook_url"].partition("#")

        assert address == f"{{{{ $externalLabels.grafana }}}}/public/runbook/{PAGE.name}"
        assert place == rule["alert"].lower()
        assert f'<h3 id="{place}">' in PAGE.read_text(encoding="utf-8")


class TestAlertmanager:
    def test_amtool_agrees(self):
        assert "SUCCESS" in ran("amtool", "check-config", str(ALERTMANAGER))

    @pytest.mark.parametrize("rule", RULES, ids=NAMES)
    def test_every_alert_finds_who_is_to_hear_it(self, rule):
        severity = rule["labels"]["severity"]

        assert receiver(alertname=rule["alert"], severity=severity) == severity

    def test_tickets_wait_for_working_hours_and_pages_do_not(self):
        routes = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))["route"]["routes"]

        assert {route["receiver"]: route.get("active_time_intervals") for route in routes} == {"page": None, "ticket": ["working hours"]}

    def test_what_silences_and_what_is_silenced_are_alerts(self):
        rules = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))["inhibit_rules"]
        matchers = [matcher for rule in rules for matcher in (*rule["source_matchers"], *rule["target_matchers"])]
        named = [re.fullmatch(r'alertname=~?"(.+)"', matcher) for matcher in matchers]

        assert {name for found in named if found for name in found[1].split("|")} <= set(NAMES)


class TestDashboards:
    def test_there_are_four(self):
        assert [path.stem for path in DASHBOARDS] == ["agency", "infrastructure", "operations", "pipeline"]

    @pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
    def test_a_panel_asks_for_what_is_shown(self, path):
        for expression in expressions(path):
            assert used(expression), expression
            assert used(expression) - series() == set(), expression

    @pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
    def test_reads_the_provisioned_source_and_names_every_panel_once(self, path):
        provisioned = yaml.safe_load((PROJECT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
        everything = json.loads(path.read_text(encoding="utf-8"))["panels"]

        assert {panel["datasource"]["uid"] for panel in panels(path)} == {provisioned["datasources"][0]["uid"]}
        assert len({panel["id"] for panel in everything}) == len({panel["title"] for panel in everything}) == len(everything)

    @pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
    def test_a_panel_says_what_it_is_in_both_languages_and_its_links_lead_somewhere(self, path):
        page = PAGE.read_text(encoding="utf-8")
        for panel in panels(path):
            assert " · " in panel["title"]
            assert panel["description"]
            for link in panel["links"]:
                address, _, place = link["url"].partition("#")
                view = re.match(r"\$\{cases\}\?view=(\w+)", address)
                assert view[1] in VIEWS if view else f'id="{place}"' in page

    @pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
    def test_no_panel_lies_over_another(self, path):
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, panel["title"]
            assert at["x"] + at["w"] <= 24
            taken |= cells


def _prometheus() -> dict:
    return yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
