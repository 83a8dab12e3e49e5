"""Another: the column may not be empty any more, which SQLite can only do by making the table again."""

import sqlalchemy as sa
from alembic import op

revision = "test2"
down_revision = "test1"


def upgrade() -> None:
    with op.batch_alter_table("tenant") as table:
        table.alter_column("note", existing_type=sa.String(80), nullable=False)
