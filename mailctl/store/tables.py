"""The tables: tenants, their domains, and the DKIM keys of those. The truth about all of them is here.

Promise: times are aware and come back in UTC, a naive one is refused; ids are UUIDs of version 7, so that
they sort by age (RFC 9562 §5.7); enums are stored as their words, in both databases alike. Private keys are
not here: they are files (edges/key_files.py).
"""

import os
import time
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel, UTCDateTime


class TenantState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class DmarcPolicy(StrEnum):
    """What a receiver is asked to do with mail that fails (RFC 9989 §4.7, tag p)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class KeyAlgorithm(StrEnum):
    """The k= of a DKIM key record (RFC 6376 §3.6.1, RFC 8463 §4)."""

    RSA = "rsa"
    ED25519 = "ed25519"


class KeyState(StrEnum):
    """The life of a DKIM key, in order; it only goes forward."""

    PLANNED = "planned"  # made here, not yet in the DNS
    PUBLISHED = "published"  # sent to the DNS
    ACTIVE = "active"  # seen at every authoritative server, and signing
    RETIRING = "retiring"  # signs no more, and stays published for what is on its way
    RETIRED = "retired"  # gone from the DNS


def new_id() -> UUID:
    """A UUID of version 7: 48 bits of milliseconds, then 74 random ones (RFC 9562 §5.7)."""
    stamp = time.time_ns() // 1_000_000
    number = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=number)


def _words(words: type[StrEnum]) -> sa.Enum:
    """A column that holds the words themselves: a native enum cannot be migrated alike in both databases."""
    return sa.Enum(words, native_enum=False, length=16, values_callable=lambda kind: [w.value for w in kind])


def _id() -> Any:
    return Field(default_factory=new_id, primary_key=True)


def _owner(table: str) -> Any:
    return Field(foreign_key=f"{table}.id", index=True, nullable=False)


def _moment() -> Any:
    return Field(default=None, sa_type=UTCDateTime)


class Table(SQLModel):
    """The base of all tables; its metadata names every constraint, so that migrations can."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Tenant(Table, table=True):
    """Who mail is sent for."""

    id: UUID = _id()
    name: str = Field(max_length=63, unique=True)
    state: TenantState = Field(
        default=TenantState.ACTIVE, sa_column=sa.Column(_words(TenantState), nullable=False)
    )
    created_at: datetime = Field(sa_type=UTCDateTime)


class Domain(Table, table=True):
    """A domain that mail is sent from, and what setup was told about it."""

    id: UUID = _id()
    tenant_id: UUID = _owner("tenant")
    name: str = Field(max_length=253, unique=True)  # lower-case A-labels, no final dot
    hostname: str | None = Field(default=None, max_length=253)  # the host that sends for it
    addresses: str = Field(
        default="", max_length=1024
    )  # where its mail leaves from; "": wherever the host's does
    delegated: bool = False  # its DKIM keys are reached by two CNAMEs into dkim.delegation_zone
    receives_mail: bool = False
    dmarc_policy: DmarcPolicy | None = Field(  # None: keep what the zone says
        default=None, sa_column=sa.Column(_words(DmarcPolicy), nullable=True)
    )
    created_at: datetime = Field(sa_type=UTCDateTime)


class DkimKey(Table, table=True):
    """The public half of a signing key, and where it stands; each state keeps when it was entered."""

    __tablename__ = "dkim_key"
    __table_args__ = (sa.UniqueConstraint("domain_id", "selector"),)

    id: UUID = _id()
    domain_id: UUID = _owner("domain")
    selector: str = Field(max_length=63)
    algorithm: KeyAlgorithm = Field(sa_column=sa.Column(_words(KeyAlgorithm), nullable=False))
    public_text: str = Field(max_length=4096)  # the TXT value
    state: KeyState = Field(default=KeyState.PLANNED, sa_column=sa.Column(_words(KeyState), nullable=False))
    created_at: datetime = Field(sa_type=UTCDateTime)
    published_at: datetime | None = _moment()
    activated_at: datetime | None = _moment()
    retiring_at: datetime | None = _moment()
    retired_at: datetime | None = _moment()
