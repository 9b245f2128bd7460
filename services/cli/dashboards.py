"""Grafana's JSON of the dashboards in deploy/grafana/dashboards.yaml."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from shared.settings import PROJECT

SOURCE = PROJECT / "deploy/grafana/dashboards.yaml"
MADE = PROJECT / "deploy/grafana/dashboards"
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
WIDTH = 24  # of Grafana's grid
SIZES = {"stat": (3, 4), "bargauge": (8, 8), "timeseries": (8, 8)}
RUNBOOK = "/public/runbook/operations.html"
CASES = "http://127.0.0.1:8313/v1/cases"  # of a system on this machine; change it where sla is reached by another name
STEPS = {0: "green"}


def dashboards() -> dict[Path, str]:
    """Every dashboard by the file it belongs in."""
    written = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return {MADE / f"{one['uid'].removeprefix('hoiam-')}.json": _json(_dashboard(one)) for one in written}


def _json(made: Mapping[str, Any]) -> str:
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def _dashboard(written: Mapping[str, Any]) -> dict[str, Any]:
    variables = [_constant("cases", CASES), *([_agencies()] if written.get("agency") else [])]
    return {
        "uid": written["uid"],
        "title": written["title"],
        "tags": ["hoiam"],
        "links": [{"type": "dashboards", "tags": ["hoiam"], "title": "Hồi Âm", "asDropdown": True, "keepTime": True}],
        "timezone": "Asia/Ho_Chi_Minh",
        "schemaVersion": 39,
        "refresh": "15s",
        "time": {"from": written["from"], "to": "now"},
        "editable": False,
        "graphTooltip": 1,
        "templating": {"list": variables},
        "annotations": {"list": []},
        "panels": list(_panels(written)),
    }


def _constant(name: str, value: str) -> dict[str, Any]:
    return {"type": "constant", "name": name, "query": value, "current": {"value": value}, "hide": 2}


def _agencies() -> dict[str, Any]:
    query = "label_values(hoiam_scorecard_figures, agency)"
    look = {"label": "Đơn vị · Agency", "refresh": 2, "sort": 1}
    return {
        "type": "query",
        "name": "agency",
        "datasource": PROMETHEUS,
        "query": {"query": query, "refId": "A"},
        "definition": query,
        **look,
    }


def _panels(written: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows from top to bottom, panels from left to right, a new line where one no longer fits."""
    number = y = 0
    for row in written["rows"]:
        number += 1
        yield {"id": number, "type": "row", "title": row["title"], "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}, "panels": []}
        x, y, line = 0, y + 1, 0
        for panel in row["panels"]:
            usual = SIZES[panel.get("kind", "timeseries")]
            width, height = panel.get("width", usual[0]), panel.get("height", usual[1])
            if x + width > WIDTH:
                x, y, line = 0, y + line, 0
            number += 1
            yield _panel(panel, number, {"x": x, "y": y, "w": width, "h": height}, by_agency=bool(written.get("agency")))
            x, line = x + width, max(line, height)
        y += line


def _panel(panel: Mapping[str, Any], number: int, place: dict[str, int], *, by_agency: bool) -> dict[str, Any]:
    kind = panel.get("kind", "timeseries")
    return {
        "id": number,
        "type": kind,
        "title": panel["title"],
        "description": panel["about"],
        "datasource": PROMETHEUS,
        "gridPos": place,
        "fieldConfig": {"defaults": _look(panel, kind), "overrides": []},
        "options": _options(kind),
        "links": list(_links(panel, by_agency)),
        "targets": [_target(letter, *query, kind=kind) for letter, query in zip("ABCDEF", _queries(panel), strict=False)],
    }


def _queries(panel: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Legend and query."""
    return list(panel["show"].items()) if isinstance(panel["show"], dict) else [("", panel["show"])]


def _target(letter: str, legend: str, query: str, *, kind: str) -> dict[str, Any]:
    return {"refId": letter, "datasource": PROMETHEUS, "expr": query, "legendFormat": legend, "instant": kind != "timeseries"}


def _look(panel: Mapping[str, Any], kind: str) -> dict[str, Any]:
    steps = [{"color": colour, "value": value or None} for value, colour in panel.get("steps", STEPS).items()]
    look: dict[str, Any] = {"unit": panel.get("unit", "none"), "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if kind != "timeseries":
        return look | {"color": {"mode": "thresholds"}}
    stacking = {"mode": "normal" if panel.get("stack") else "none"}
    return look | {"custom": {"fillOpacity": 20 if panel.get("stack") else 0, "stacking": stacking, "showPoints": "never"}}


def _options(kind: str) -> dict[str, Any]:
    last = {"reduceOptions": {"calcs": ["lastNotNull"]}}
    return {"stat": last | {"colorMode": "background"}, "bargauge": last | {"orientation": "horizontal"}}.get(kind, {})


def _links(panel: Mapping[str, Any], by_agency: bool) -> Iterator[dict[str, Any]]:
    if "runbook" in panel:
        yield {"title": "Việc cần làm · What to do", "url": f"{RUNBOOK}#{panel['runbook'].lower()}", "targetBlank": True}
    if "cases" in panel:
        url = f"${{cases}}?view={panel['cases']}" + ("&agency=${agency}" if by_agency else "")
        yield {"title": "Danh sách phản ánh · The cases", "url": url, "targetBlank": True}
