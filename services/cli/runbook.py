"""docs/operations.md as a page that Grafana serves, so that alerts and panels can link to its paragraphs."""

import re
from pathlib import Path

from markdown_it import MarkdownIt

from shared.settings import PROJECT

TEXT = PROJECT / "docs/operations.md"
PAGE = PROJECT / "deploy/grafana/runbook/operations.html"
STYLE = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto}td,th{border:1px solid #ccc;padding:.3em}:target{background:#ffc}"


def runbook() -> dict[Path, str]:
    """The page by its file."""
    return {PAGE: _page(MarkdownIt().enable("table").render(TEXT.read_text(encoding="utf-8")))}


def _page(body: str) -> str:
    named = re.sub(r"<h([23])>(.*?)</h\1>", lambda found: f'<h{found[1]} id="{_name(found[2])}">{found[2]}</h{found[1]}>', body)
    plain = re.sub(r'<a href="(?!https?:|#)[^"]*">(.*?)</a>', r"\1", named)  # the other pages are not served here
    head = f'<meta charset="utf-8"><title>Hồi Âm: operations</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{plain}</body>\n</html>\n'


def _name(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
