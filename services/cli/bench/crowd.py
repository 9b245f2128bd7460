"""A province that has been at it for years: as many reports as are wanted, as intake keeps them, made by the database itself."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.province import Province
from shared.texts import folded

YEARS = timedelta(days=3 * 365)
WHAT = (
    "Đèn đường không sáng đã mấy hôm nay", "Ổ gà lớn giữa đường, xe máy dễ ngã", "Nắp cống bị vỡ rất nguy hiểm",
    "Rác thải chất đống bốc mùi hôi", "Cây đổ chắn ngang lối đi", "Nước máy đục và có mùi", "Karaoke ồn ào đến khuya",
    "Mất điện từ sáng đến giờ", "Xe tải chở đất làm rơi vãi", "Vỉa hè bị lấn chiếm để bán hàng",
    "Cống tắc, nước ngập vào nhà dân", "Biển báo giao thông bị gãy", "Dây điện võng sát mái nhà",
)  # fmt: skip
WHERE = (
    "trước cổng trường tiểu học", "gần chợ", "ở ngã tư đường Hùng Vương", "đối diện trạm y tế", "sau lưng nhà văn hóa thôn",
    "trên đường Lê Duẩn", "cạnh cầu", "đoạn qua khu phố 3", "ở đầu kiệt 15", "dọc quốc lộ 9", "trong khu dân cư mới", "bên bờ sông Hiếu",
)  # fmt: skip

_REPORTS = text(
    """
    INSERT INTO reports (
        report_id, tracking_code, portal, key, fingerprint, external_ref, category, description, location, attributes, urgent, language,
        received_at, updated_at, media_urls, status, status_version, agency, version, due_at, due_version
    )
    SELECT gen_random_uuid(), 'QT-' || upper(lpad(to_hex(:first + n), 8, '0')), 'crowd', 'crowd-' || (:first + n), '', '',
        (:categories)[1 + floor(random() * :kinds)], (:what)[1 + n % :whats] || ' ' || (:where)[1 + (n / :whats) % :wheres] || ', số ' || n,
        jsonb_build_object('area', (:areas)[1 + floor(random() * :places)],
            'latitude', 16.3 + 0.9 * random(), 'longitude', 106.5 + 0.9 * random()),
        '{}', false, 'vi', received_at, received_at + interval '2 days', '[]',
        CASE WHEN recent THEN 'in_progress' ELSE (ARRAY['closed', 'closed', 'closed', 'closed', 'refused', 'cancelled'])[1 + n % 6] END,
        8, (:agencies)[1 + floor(random() * :offices)], 8, received_at + interval '5 days', 2
    FROM (
        SELECT n, n > :count * 0.98 AS recent,
            CAST(:until AS timestamptz) - CAST(:span AS interval) * (1 - n::float8 / :count) AS received_at
        FROM generate_series(1, :count) AS n
    ) AS made
    """
)
_TEXTS = text(
    """
    INSERT INTO public_texts (report_id, folded)
    SELECT report_id, translate(lower(description), :marked, :plain) FROM reports WHERE portal = 'crowd'
    ON CONFLICT DO NOTHING
    """
)


def fill(session: Session, province: Province, *, count: int, until: datetime) -> None:
    """``count`` more reports, evenly over three years ``until`` now; two in a hundred are still worked on. All by the portal ``crowd``."""
    already = session.scalar(text("SELECT count(*) FROM reports WHERE portal = 'crowd'")) or 0
    lists = {"categories": list(province.categories), "areas": list(province.areas), "agencies": list(province.agencies)}
    sizes = {"kinds": len(province.categories), "places": len(province.areas), "offices": len(province.agencies)}
    words = {"what": list(WHAT), "whats": len(WHAT), "where": list(WHERE), "wheres": len(WHERE)}
    marked = sorted({letter for sentence in (*WHAT, *WHERE, "ố") for letter in sentence.lower() if folded(letter) != letter})
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(_REPORTS, {"first": already, "count": count, "until": until, "span": YEARS} | lists | sizes | words)
    session.execute(_TEXTS, {"marked": "".join(marked), "plain": "".join(map(folded, marked))})
    session.execute(text("ANALYZE reports, public_texts"))
