"""What a person dropped is remembered."""

from shared.migrations.mailbox import remember_what_was_dropped

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    remember_what_was_dropped()
