"""Logs: one JSON object a line for machines, or coloured lines for people. Never a text that a reporter wrote."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from shared.envelope import CURRENT

SECRET = ("token", "secret", "password", "authorization", "api_key", "contact", "email", "phone")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OURS = {"report_id": _UUID, "media_id": _UUID, "tracking_code": re.compile(r"[A-Z]{2,4}-[0-9A-Z]{4}-[0-9A-Z]{4}")}
_WITHOUT_VARIABLES = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # texts are in variables


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide values whose names say that they are secret or personal."""
    return {name: "***" if any(word in name.lower() for word in SECRET) else value for name, value in event.items()}


def name_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The trace of the request that is served, on every line about it."""
    current = CURRENT.get()
    return {"trace_id": current[3:35], **event} if current else event


def note(parameters: Mapping[str, str]) -> None:
    """Name in all log lines of a request what its path is about: names that we gave, nothing else that stands there."""
    names = {name: text for name, text in parameters.items() if name in _OURS and _OURS[name].fullmatch(text)}
    if names:
        structlog.contextvars.bind_contextvars(**names)


def configure(service: str, style: Literal["json", "human"], level: str = "INFO") -> None:
    """Send our own and every library's log lines to standard output in ``style``."""
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask,
    ]
    last: list[Processor] = (
        [structlog.processors.ExceptionRenderer(_WITHOUT_VARIABLES), structlog.processors.JSONRenderer(ensure_ascii=False)]
        if style == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0)]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # it logs the beginnings of bodies
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
