"""The tables every service has: mailbox and copy of the province. Called by versions of each; never edited after a release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

_VACUUM_OFTEN = "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000"


def create_version_1() -> None:
    """inbox, outbox, held and province as of release 0.1."""
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.Uuid(), primary_key=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("exchange", "routing_key", "message_id", "type")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("correlation_id", "traceparent")),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("blocked_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
    )
    op.create_table(
        "held",
        sa.Column("message_id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("exchange", "routing_key", "sender")),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index("held_due", "held", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_table(
        "province",
        sa.Column("version", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
    )
    for table in ("outbox", "held"):
        op.execute(f"ALTER TABLE {table} SET ({_VACUUM_OFTEN})")


def keep_what_was_sent() -> None:
    """Letters that left the outbox, for a while: a restored database says them again."""
    op.create_table(
        "sent",
        sa.Column("id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("exchange", "routing_key", "message_id", "type")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("correlation_id", "traceparent")),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index("sent_facts", "sent", ["sent_at"], postgresql_where=sa.text("exchange <> 'hoiam.agencies'"))
    op.create_index("sent_to_agencies", "sent", ["sent_at"], postgresql_where=sa.text("exchange = 'hoiam.agencies'"))


def remember_what_was_dropped() -> None:
    """Messages that a person had forgotten: what they were, who and why, never what was in them."""
    op.create_table(
        "dropped",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("message_id", "routing_key", "sender", "code", "person", "reason")),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=False),
        comment="append-only",
    )
