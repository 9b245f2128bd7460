"""Pages made from the code (contract of the events, settings, roles, lifecycle) or from what was measured. A test holds them current."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic_core import PydanticUndefined

from services.cli.bench import proof
from services.cli.notices import table
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from services.routing.settings import RoutingSettings
from services.sla.domain.lifecycle import TABLE, State
from services.sla.settings import SlaSettings
from shared.access import ROUTES, Role
from shared.envelope import event_type
from shared.messages import AGENCY_REQUESTS, FACTS, TO_AGENCY, Message
from shared.settings import PROJECT, Settings

SETTINGS: Mapping[str, type[Settings]] = {
    "intake": IntakeSettings,
    "routing": RoutingSettings,
    "sla": SlaSettings,
    "notify": NotifySettings,
}
MADE = "made by `hoiam pages` from the code; don't edit"


def pages() -> dict[Path, str]:
    """Every made page with its text as it should be."""
    architecture, notices, readme = PROJECT / "ARCHITECTURE.md", PROJECT / "docs/notices.md", PROJECT / "README.md"
    return {
        PROJECT / "docs/asyncapi.yaml": asyncapi(),
        PROJECT / "docs/settings.md": settings(),
        PROJECT / "docs/access.md": access(),
        architecture: _with_part(architecture.read_text(encoding="utf-8"), "lifecycle", lifecycle()),
        notices: _with_part(notices.read_text(encoding="utf-8"), "notices", table()),
        proof.PAGE: proof.page(proof.kept()),
        readme: _with_part(readme.read_text(encoding="utf-8"), "proof", proof.brief(proof.kept())),
    }


def write_pages() -> list[Path]:
    """Write those that differ; which they were."""
    stale = [(path, text) for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [path for path, _ in stale]


def asyncapi() -> str:
    """AsyncAPI 3.0 of everything on the bus, with the JSON Schema of each event's ``data``."""
    groups = {**{f"{owner} facts": kinds for owner, kinds in FACTS.items()}, "agency requests": AGENCY_REQUESTS, "to agencies": TO_AGENCY}
    kinds = [kind for group in groups.values() for kind in group]
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Hồi Âm", "version": "1", "description": f"Every event on the bus ({MADE})."},
        "defaultContentType": "application/cloudevents+json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": {kind.__name__: _message(kind) for kind in kinds}, "schemas": _schemas(kinds)},
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=140)


def _channels() -> dict[str, Any]:
    facts = [kind for kinds in FACTS.values() for kind in kinds]
    return {
        "events": _channel("hoiam.events", "topic", "Facts; the routing key is the topic.", facts),
        "agencies": _channel("hoiam.agencies", "direct", "Work for agencies; read from the queue agency.<code>.", TO_AGENCY),
        "requests": _channel("hoiam.requests", "topic", "From agencies; routing key <code>.<request>, user_id set.", AGENCY_REQUESTS),
    }


def _channel(exchange: str, kind: str, text: str, messages: Any) -> dict[str, Any]:
    binding = {"amqp": {"is": "routingKey", "exchange": {"name": exchange, "type": kind, "durable": True, "autoDelete": False}}}
    references = {message.__name__: {"$ref": f"#/components/messages/{message.__name__}"} for message in messages}
    return {"address": exchange, "description": text, "messages": references, "bindings": binding}


def _operations() -> dict[str, Any]:
    """As an agency sees them."""
    return {
        "readWork": {"action": "receive", "channel": {"$ref": "#/channels/agencies"}},
        "ask": {"action": "send", "channel": {"$ref": "#/channels/requests"}},
        "readFacts": {"action": "receive", "channel": {"$ref": "#/channels/events"}},
    }


def _message(kind: type[Message]) -> dict[str, Any]:
    words = kind.__dict__.get("__doc__") or ""
    text = {"description": " ".join(words.split())} if words else {}
    return {"name": event_type(kind), "title": kind.topic, **text, "payload": {"$ref": f"#/components/schemas/{kind.__name__}Event"}}


def _schemas(kinds: list[type[Message]]) -> dict[str, Any]:
    """A CloudEvents envelope for each message, around its own ``data``."""
    shared: dict[str, Any] = {}
    events: dict[str, Any] = {}
    for kind in kinds:
        schema = kind.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        shared |= schema.pop("$defs", {})
        for ours in ("report_id", "at", "actor"):
            schema["properties"].pop(ours, None)
        schema["required"] = [name for name in schema.get("required", []) if name in schema["properties"]]
        events[f"{kind.__name__}Event"] = _event(kind, {key: schema[key] for key in ("type", "properties", "required")})
    return events | dict(sorted(shared.items()))


def _event(kind: type[Message], data: dict[str, Any]) -> dict[str, Any]:
    text, uuid = {"type": "string"}, {"type": "string", "format": "uuid"}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": uuid,
            "source": text,
            "type": {"const": event_type(kind)},
            "subject": {**uuid, "description": "the report"},
            "time": {"type": "string", "format": "date-time", "description": "when it happened"},
            "datacontenttype": text,
            "correlationid": uuid,
            "traceparent": text,
            "data": data,
        },
    }


def settings() -> str:
    """Every environment variable of every service."""
    lines = [
        "# Settings",
        "",
        f"Environment variables, {MADE}. Each may come from a file instead: `NAME_FILE` holds the path, and wins.",
        "",
    ]
    lines += ["## Every service", "", *_table(Settings, set())]
    for service, kind in SETTINGS.items():
        lines += ["", f"## {service}", "", *(_table(kind, set(Settings.model_fields)) or ["Nothing of its own."])]
    return "\n".join(lines) + "\n"


def _table(kind: type[Settings], known: set[str]) -> list[str]:
    own = {name: field for name, field in kind.model_fields.items() if name not in known}
    if not own:
        return []
    rows = [f"| `{name.upper()}` | {_default(field.default)} | {field.description} |" for name, field in own.items()]
    return ["| variable | default | what it is |", "| --- | --- | --- |", *rows]


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Path):
        value = value.relative_to(PROJECT) if value.is_relative_to(PROJECT) else value
    return f"`{value}`" if str(value) else "empty"


def access() -> str:
    """The table of roles by route."""
    lines = ["# Who may do what", "", f"{MADE.capitalize()}. What is not here is denied.", ""]
    lines += ["| route | " + " | ".join(Role) + " |", "| --- |" + " --- |" * len(Role)]
    lines += [f"| `{route}` | " + " | ".join("yes" if role in roles else "" for role in Role) + " |" for route, roles in ROUTES.items()]
    return "\n".join(lines) + "\n"


def lifecycle() -> str:
    """The state diagram, from the table."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.RECEIVED}"]
    lines += [f"    {source} --> {row['dest']}: {row['trigger']}" for row in TABLE for source in _sources(row)]
    return "\n".join([*lines, "```"])


def _sources(row: Mapping[str, Any]) -> Iterator[State]:
    source = row["source"]
    yield from source if isinstance(source, list) else [source]


def _with_part(text: str, name: str, part: str) -> str:
    """``text`` with what stands between the markers of ``name`` replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    return pattern.sub(lambda found: f"{found[1]}{part}\n{found[2]}", text)
