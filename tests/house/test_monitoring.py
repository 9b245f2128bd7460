"""Alerts and dashboards speak of what the services really show, and every alert says what to do."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from services.cli.system import HANDLERS
from shared.settings import PROJECT

MONITORING = PROJECT / "deploy/prometheus"
DASHBOARDS = sorted((PROJECT / "deploy/grafana/dashboards").glob("*.json"))
RULES = [rule for group in yaml.safe_load((MONITORING / "rules.yml").read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
METRIC = re.compile(r"\b(?:hoiam|rabbitmq|process)_[a-z_]+\b|\bup\b")
OTHERS = {  # of Prometheus itself, of the Python client, and of RabbitMQ (tests/house/test_deployed_parts.py asks for those)
    "up",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "rabbitmq_alarms_free_disk_space_watermark",
    "rabbitmq_alarms_memory_used_watermark",
    "rabbitmq_detailed_queue_messages",
    "rabbitmq_detailed_queue_consumers",
}
DEFINED = re.compile(r'(Histogram|Counter|Gauge|GaugeMetricFamily|_family)\(\s*"(hoiam_[a-z_]+)"')
ENDINGS = {"Histogram": ("_bucket", "_sum", "_count"), "Counter": ("_total",)}
WAITING = {"hoiam_outbox_rows", "hoiam_outbox_age_seconds", "hoiam_held_rows", "hoiam_parked_rows"}  # named by what mailbox.ages counts


def shown() -> set[str]:
    """The names of the series that the services' /metrics can have, as the code names them."""
    sources = [*(PROJECT / "shared").rglob("*.py"), *(PROJECT / "services").rglob("*.py")]
    found = {match for path in sources for match in DEFINED.findall(path.read_text(encoding="utf-8"))}
    return {name + ending for kind, name in found for ending in ENDINGS.get(kind, ("",))} | WAITING | OTHERS


def used(expression: str) -> set[str]:
    """The series an expression reads; words in quotes and label names are none."""
    bare = re.sub(r'"[^"]*"|\b(?:by|without|on)\s*\([^)]*\)', "", expression)
    return set(METRIC.findall(bare))


def expressions(dashboard: dict) -> list[str]:
    """Every query of a dashboard."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def promtool(*arguments: str) -> None:
    """Skips, for all to see, where promtool is not installed: the other tests of this file hold everywhere."""
    found = shutil.which("promtool")
    if not found:
        pytest.skip("no promtool here: the rules were checked by their form, and not run")
    done = subprocess.run([found, *arguments], cwd=MONITORING, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


class TestRules:
    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
    def test_an_alert_says_how_grave_it_is_and_what_to_do(self, rule):
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "action"}
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
    def test_an_alert_asks_for_what_is_shown(self, rule):
        assert used(rule["expr"])
        assert used(rule["expr"]) - shown() == set()

    def test_each_is_tried_by_a_rule_test(self):
        tests = (MONITORING / "rules_test.yml").read_text(encoding="utf-8")

        assert [rule["alert"] for rule in RULES if rule["alert"] not in tests] == []

    def test_every_service_is_missed_when_it_is_gone(self):
        [down] = [rule for rule in RULES if rule["alert"] == "ServiceDown"]
        [job] = [job for job in _prometheus()["scrape_configs"] if job["job_name"] == "hoiam"]

        assert set(re.findall(r'absent\(up\{job="hoiam", service="(\w+)"\}', down["expr"])) == set(HANDLERS)
        assert set(job["dns_sd_configs"][0]["names"]) == set(HANDLERS)

    def test_promtool_agrees(self):
        promtool("check", "config", "prometheus.yml")
        promtool("test", "rules", "rules_test.yml")


class TestDashboards:
    def test_there_is_one(self):
        assert [path.name for path in DASHBOARDS][:1] == ["pipeline.json"]

    @pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
    def test_a_panel_asks_for_what_is_shown(self, path):
        for expression in expressions(json.loads(path.read_text(encoding="utf-8"))):
            assert used(expression), expression
            assert used(expression) - shown() == set(), expression

    @pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
    def test_reads_the_provisioned_source_and_names_every_panel_once(self, path):
        provisioned = yaml.safe_load((PROJECT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]

        assert {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"} == {provisioned["datasources"][0]["uid"]}
        assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)


def _prometheus() -> dict:
    return yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
