"""Tenants, domains, DKIM keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
        sa.UniqueConstraint("name", name="uq_tenant_name"),
    )
    op.create_table(
        "domain",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(253), nullable=False),
        sa.Column("hostname", sa.String(253), nullable=True),
        sa.Column("addresses", sa.String(1024), nullable=False),
        sa.Column("delegated", sa.Boolean(), nullable=False),
        sa.Column("receives_mail", sa.Boolean(), nullable=False),
        sa.Column("dmarc_policy", sa.String(16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_domain"),
        sa.UniqueConstraint("name", name="uq_domain_name"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_domain_tenant_id"),
    )
    op.create_index("ix_domain_tenant_id", "domain", ["tenant_id"])
    op.create_table(
        "dkim_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("domain_id", sa.Uuid(), nullable=False),
        sa.Column("selector", sa.String(63), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("public_text", sa.String(4096), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retiring_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dkim_key"),
        sa.UniqueConstraint("domain_id", "selector", name="uq_dkim_key_domain_id_selector"),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name="fk_dkim_key_domain_id"),
    )
    op.create_index("ix_dkim_key_domain_id", "dkim_key", ["domain_id"])
