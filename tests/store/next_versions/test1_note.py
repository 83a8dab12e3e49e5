"""A migration of tomorrow: a column, filled from what is there."""

import sqlalchemy as sa
from alembic import op

revision = "test1"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("tenant") as table:
        table.add_column(sa.Column("note", sa.String(80), nullable=True))
    op.execute("UPDATE tenant SET note = 'was ' || name")
