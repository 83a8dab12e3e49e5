"""The migrations, in plain SQLAlchemy: what a table is today must not change what a migration did then.

A new one is a file in versions/ with `revision`, `down_revision` and `upgrade()`, and HEAD below names it;
a test compares the result with the tables on both databases. There is no way down: restore the backup.
"""

HEAD = "0001"  # what this mailctl works on; known without importing alembic, which costs 0.2 s
