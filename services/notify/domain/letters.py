"""The words of a notice: templates by language and topic, under ``templates``."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGES = ("vi", "en")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """``text`` and ``html`` say the same."""

    subject: str
    text: str
    html: str


def letter(topic: str, language: str, values: dict[str, Any]) -> Letter:
    """The letter about ``topic``; the first paragraph is the subject. Raises ``jinja2.UndefinedError`` for a value it lacks."""
    whole = _environment().get_template(f"{language}/{topic}.txt").render(values).strip()
    subject, _, text = whole.partition("\n\n")
    text = re.sub(r"\n{3,}", "\n\n", text.strip())
    paragraphs = [paragraph.split("\n") for paragraph in text.split("\n\n")]
    html = _environment().get_template("letter.html").render(language=language, paragraphs=paragraphs, link=values["link"])
    return Letter(subject=" ".join(subject.split()), text=text + "\n", html=html)


@cache
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",), default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
