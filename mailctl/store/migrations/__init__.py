"""Alembic migrations, plain SQLAlchemy."""
