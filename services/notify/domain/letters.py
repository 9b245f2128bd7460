"""The words of a notice: templates by language and topic, under ``templates``, checked when they are loaded."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError, meta, nodes, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

from services.notify.domain.audience import TABLE, Reader
from services.notify.domain.notices import ABOUT_WEBHOOK, LEAVE, LINK
from services.notify.domain.values import ALWAYS, MADE
from shared.messages import MESSAGES

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGES = ("vi", "en")
FOLLOWED, OFFICE, GATHERED, CONFIRM, LAYOUT = "followed", "office", "digest", "follower.reachable", "letter"
PAGE = "letter.html"
OWN = {GATHERED: frozenset({"parts", "many"}), ABOUT_WEBHOOK: frozenset({"portal", "host", "gone"})}  # beside what is always there


class BrokenTemplate(Exception):  # noqa: N818 - says what is broken
    """``str`` names file and line, and what is wrong there."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """``news`` is the text without greeting and foot. ``version`` names the words it was made of."""

    subject: str
    text: str
    news: str
    version: str


def template_of(topic: str, reader: Reader) -> str:
    """A reporter's letters have one template a topic; those to followers and to offices one for all."""
    if topic == CONFIRM or reader == Reader.REPORTER:
        return topic
    return FOLLOWED if reader == Reader.FOLLOWER else OFFICE


def letter(name: str, language: str, values: dict[str, Any]) -> Letter:
    """The letter; the first paragraph is the subject. Raises ``jinja2.UndefinedError`` for a value it lacks."""
    template = _environment().get_template(f"{language}/{name}.txt")
    subject, _, text = template.render(values).strip().partition("\n\n")
    block = template.blocks.get("text")
    text, news = _tidy(text), _tidy("".join(block(template.new_context(values)))) if block else ""
    return Letter(subject=" ".join(subject.split()), text=text + "\n", news=news, version=version_of(name, language))


def page(text: str, language: str, links: Iterable[str] = (LINK, LEAVE)) -> str:
    """The ``text`` of a letter as HTML, made when it is looked at: most letters to offices are never sent but gathered.

    ``links`` are to click on where they end a line.
    """
    paragraphs = [paragraph.split("\n") for paragraph in text.strip().split("\n\n")]
    return _environment().get_template(PAGE).render(language=language, paragraphs=paragraphs, links=[link for link in links if link])


@cache
def version_of(name: str, language: str) -> str:
    """Of the words of a template and of those around them: twelve hexadecimal digits that change when they do."""
    used = (f"{language}/{name}.txt", f"{language}/{LAYOUT}.txt")
    return hashlib.sha256(b"\0".join((TEMPLATES / path).read_bytes() for path in used)).hexdigest()[:12]


def check_templates(folder: Path = TEMPLATES) -> None:
    """Raises :class:`BrokenTemplate` for the first that is missing, can't be read, or writes what no fact has."""
    for language in LANGUAGES:
        for name in sorted(needed()):
            _check(folder, f"{language}/{name}.txt", name)


def needed() -> set[str]:
    """The templates there must be in each language."""
    return {key.partition("/")[0] for key, line in TABLE.items() if line.reporter} | {FOLLOWED, OFFICE, CONFIRM, LAYOUT, *OWN}


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text.strip())


def _check(folder: Path, path: str, name: str) -> None:
    if not (folder / path).is_file():
        raise BrokenTemplate(f"{path}: there is no such template")
    try:
        tree = _environment().parse((folder / path).read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        raise BrokenTemplate(f"{path}, line {error.lineno}: {error.message}") from None
    for line, variable in _strangers(tree, _writable(name)):
        raise BrokenTemplate(f"{path}, line {line}: nothing is called {variable!r} here")


def _strangers(tree: nodes.Template, known: frozenset[str]) -> Iterator[tuple[int, str]]:
    strangers = meta.find_undeclared_variables(tree) - known
    found = (node for node in tree.find_all(nodes.Name) if node.name in strangers)
    yield from sorted((node.lineno, node.name) for node in found)


def _writable(name: str) -> frozenset[str]:
    """What ``name`` may write: its own fact's fields, or those of any fact where it is for several."""
    topics = [name] if name in MESSAGES else [key.partition("/")[0] for key in TABLE] if name in {FOLLOWED, OFFICE} else []
    return ALWAYS | MADE | OWN.get(name, frozenset()) | {field for topic in topics for field in MESSAGES[topic].model_fields}


@cache
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",), default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # what is running is what was checked at the start
    )
