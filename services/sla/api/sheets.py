"""Scorecards as a table (CSV, XLSX) and as a picture (SVG), with every share beside what it is a share of."""

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from xml.etree.ElementTree import Element, SubElement, tostring

from xlsxwriter import Workbook

from services.sla.domain import wording
from services.sla.domain.scorecard import Card, Share, Standing
from shared.texts import tame

Cell = str | int | float | None
DRAWN = {"on_time": "#2e7d32", "on_time_extended": "#9ccc65", "open_in_time": "#90a4ae", "late": "#ef6c00", "open_overdue": "#b71c1c"}
LEFT, WIDE, HIGH = 260, 600, 28  # of a picture, in pixels: the names, the longest bar, a line


def rows(cards: Sequence[Card], by: Sequence[str], names: Mapping[str, str]) -> list[list[Cell]]:
    """A line of headings, then one a card. Codes have their name beside them where ``names`` knows one."""
    share_heads = [head for name in wording.SHARES for head in (str(wording.SHARES[name]), "…", "Wilson 95 % ≥")]
    heads: list[Cell] = [str(wording.BY[name]) for name in by for _ in range(2)]
    heads += [str(words) for words in wording.FIGURES.values()] + [str(wording.MEDIAN), str(wording.P90), *share_heads]
    return [heads, *(_row(card, by, names) for card in cards)]


def _row(card: Card, by: Sequence[str], names: Mapping[str, str]) -> list[Cell]:
    about: list[Cell] = [cell for name in by for cell in (card.about[name], names.get(card.about[name], ""))]
    figures: list[Cell] = [card.figures[name] for name in wording.FIGURES]
    return [*about, *figures, card.median_hours, card.p90_hours, *(cell for share in card.shares.values() for cell in _share(share))]


def _share(share: Share) -> list[Cell]:
    rounded = [None if value is None else round(value, 4) for value in (share.value, share.lowest)]
    return [rounded[0], f"{share.part} / {share.whole}", rounded[1]]


def as_csv(table: Sequence[Sequence[Cell]]) -> str:
    """With the mark (BOM) by which spreadsheets know UTF-8; nothing in it is a formula."""
    text = StringIO()
    csv.writer(text).writerows([tame(cell) for cell in row] for row in table)
    return "\ufeff" + text.getvalue()


def as_xlsx(title: str, table: Sequence[Sequence[Cell]], ranking: Sequence[Standing], names: Mapping[str, str]) -> bytes:
    """Three sheets: the figures, the ranking raw and adjusted, and what each figure means."""
    memory = BytesIO()
    with Workbook(memory, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, content in (("Kết quả", table), ("Xếp hạng", _ranking(ranking, names)), ("Giải thích", _meanings())):
            _sheet(book, name, title, content)
    return memory.getvalue()


def _sheet(book: Workbook, name: str, title: str, content: Sequence[Sequence[Cell]]) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 14}))
    sheet.set_row(2, 60, book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}))
    for number, row in enumerate(content):
        sheet.write_row(number + 2, 0, row)
    sheet.set_column(0, 60, 16)
    sheet.freeze_panes(3, 2)
    sheet.set_landscape()
    sheet.repeat_rows(2)


def _ranking(ranking: Sequence[Standing], names: Mapping[str, str]) -> list[list[Cell]]:
    agency, cases = str(wording.BY["agency"]), "Số vụ phải chịu (cases to answer for)"
    heads: list[Cell] = [str(wording.ADJUSTED), str(wording.RAW), agency, "", cases, "Đúng hạn (on time)", "Hiệu chỉnh (adjusted)", ""]
    return [heads, *(_standing(one, names) for one in ranking)]


def _standing(one: Standing, names: Mapping[str, str]) -> list[Cell]:
    numbers: list[Cell] = [round(one.cases, 3), round(one.raw, 4), round(one.adjusted, 4)]
    return [one.adjusted_rank, one.raw_rank, one.agency, names.get(one.agency, ""), *numbers, str(wording.SMALL) if one.is_small else ""]


def _meanings() -> list[list[Cell]]:
    heads: list[Cell] = ["Mã (code)", "Tiếng Việt", "English"]
    named = {**wording.FIGURES, **wording.SHARES}
    return [heads, *(_meaning(name, words) for name, words in named.items())]


def _meaning(name: str, words: wording.Words) -> list[Cell]:
    return [name, words.vi, words.en]


def as_svg(title: str, cards: Sequence[Card], by: str, names: Mapping[str, str]) -> bytes:
    """A bar a card, parted by what became of its cases. Neither scripts nor anything from elsewhere is in it."""
    size = {"width": str(LEFT + WIDE + 80), "height": str((len(cards) + 4) * HIGH), "font-family": "sans-serif", "font-size": "13"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    SubElement(svg, "title").text = title
    _text(svg, 10, 0, title)
    longest = max((card.sum(DRAWN) for card in cards), default=0) or 1
    for line, card in enumerate(cards, start=1):
        _bar(svg, line, names.get(card.about[by], card.about[by]), card, WIDE / longest)
    for number, (name, colour) in enumerate(DRAWN.items()):
        _text(svg, 10 + 185 * number, len(cards) + 2, wording.FIGURES[name].vi, fill=colour)
    return bytes(tostring(svg, encoding="utf-8", xml_declaration=True))


def _bar(svg: Element, line: int, name: str, card: Card, scale: float) -> None:
    _text(svg, 10, line, name)
    left = float(LEFT)
    for figure, colour in DRAWN.items():
        width = card.figures[figure] * scale
        place = {"x": f"{left:.1f}", "y": str(line * HIGH + 4), "width": f"{width:.1f}", "height": str(HIGH - 8), "fill": colour}
        bar = SubElement(svg, "rect", place)
        SubElement(bar, "title").text = f"{wording.FIGURES[figure].vi}: {card.figures[figure]}"
        left += width
    _text(svg, left + 6, line, str(card.sum(DRAWN)))


def _text(svg: Element, x: float, line: int, words: str, fill: str = "#212121") -> None:
    SubElement(svg, "text", {"x": f"{x:.1f}", "y": str(line * HIGH + 19), "fill": fill}).text = words
