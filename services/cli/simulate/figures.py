"""The figures of the column, counted from sla's own tables, each share with its denominator."""

from dataclasses import dataclass, fields

from sqlalchemy import text

from services.cli.system import room

_COUNT = text(
    """
    SELECT count(*) AS received,
           count(*) FILTER (WHERE state <> 'cancelled') AS taken_up,
           count(*) FILTER (WHERE state IN ('resolved', 'closed')) AS finished,
           count(*) FILTER (WHERE state IN ('resolved', 'closed') AND on_time) AS on_time,
           count(*) FILTER (WHERE state IN ('resolved', 'closed') AND NOT on_time) AS late,
           count(*) FILTER (WHERE state IN ('received', 'routed', 'in_progress', 'waiting', 'submitted')) AS in_hand,
           count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
           (SELECT count(*) FROM history WHERE trigger = 'answer' AND (data->>'on_time')::boolean) AS answered_on_time,
           (SELECT count(*) FROM history WHERE trigger = 'comment') AS comments,
           (SELECT count(*) FROM history WHERE trigger = 'return') AS returns,
           (SELECT count(*) FROM history WHERE trigger IN ('object', 'reopen')) AS objections,
           (SELECT count(*) FROM history WHERE trigger = 'rate') AS ratings
    FROM cases
    """
)
ROWS = (
    ("Tiếp nhận (received)", "received", ""),
    ("Thụ lý (taken up)", "taken_up", "received"),
    ("Đã xử lý xong (finished)", "finished", "taken_up"),
    ("Đúng hạn (on time)", "on_time", "finished"),
    ("Đúng hạn (on time)", "on_time", "taken_up"),
    ("Đúng hạn (on time)", "on_time", "received"),
    ("Quá hạn (late)", "late", "finished"),
    ("Đang xử lý (in hand)", "in_hand", "taken_up"),
    ("Hủy (cancelled)", "cancelled", "received"),
    ("Trả lời trong 1 ngày (answered in time)", "answered_on_time", "comments"),
    ("Trả lại đơn vị (returns)", "returns", ""),
    ("Phản ánh lại (objections)", "objections", ""),
    ("Đánh giá (ratings)", "ratings", ""),
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Whole numbers; a share is always one over another."""

    received: int
    taken_up: int
    finished: int
    on_time: int
    late: int
    in_hand: int
    cancelled: int
    answered_on_time: int
    comments: int
    returns: int
    objections: int
    ratings: int

    def share(self, part: str, whole: str) -> float:
        """Percent; 0 of nothing."""
        return 100 * int(getattr(self, part)) / (getattr(self, whole) or 1)


def figures(url: str) -> Figures:
    """As they stand in the database."""
    with room(url, "sla") as rooms, rooms() as session:
        row = session.execute(_COUNT).mappings().one()
    return Figures(**{field.name: row[field.name] for field in fields(Figures)})


def table(of: Figures, other: Figures | None = None) -> str:
    """One line a figure; with ``other`` beside it, and the difference."""
    heads = [f"{'':42}{'as it was':>30}{'what if':>30}{'change':>24}"] if other else []
    return "\n".join([*heads, *(_line(of, other, label, part, whole) for label, part, whole in ROWS)])


def _line(of: Figures, other: Figures | None, label: str, part: str, whole: str) -> str:
    line = f"{label:42}{_cell(of, part, whole):>30}"
    if other is None:
        return line
    change = f"{getattr(other, part) - getattr(of, part):+d}"
    points = f" ({other.share(part, whole) - of.share(part, whole):+.1f} points)" if whole else ""
    return f"{line}{_cell(other, part, whole):>30}{change + points:>24}"


def _cell(of: Figures, part: str, whole: str) -> str:
    number = str(getattr(of, part))
    return f"{number} = {of.share(part, whole):.1f} % of {whole}" if whole else number
