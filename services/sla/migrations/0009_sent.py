"""What was sent is kept for a while."""

from shared.migrations.mailbox import keep_what_was_sent

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    keep_what_was_sent()
