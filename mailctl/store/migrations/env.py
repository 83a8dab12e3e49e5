"""What Alembic runs: the migrations, in the connection and the transaction that upgrade.py hands in."""

from alembic import context

from mailctl.failpoints import failpoint
from mailctl.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,  # SQLite alters a table by making it again
    on_version_apply=lambda **_: failpoint("upgrade.step"),
)
with context.begin_transaction():
    context.run_migrations()
