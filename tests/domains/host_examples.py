"""Inputs for the tests of a host's desired state, plan and apply, and the comparison with golden files."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailctl.domains import provisioning
from mailctl.domains.host_apply import apply
from mailctl.domains.host_desired import (
    Certificate,
    DesiredHost,
    HostedDomain,
    HostInputs,
    SigningKey,
    desired_host,
)
from mailctl.domains.host_facts import gather
from mailctl.domains.host_plan import HostPlan, look, make_plan
from mailctl.domains.host_services import Layout
from mailctl.edges.host import MemoryHost

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LAYOUT = Layout()
GOLDEN = Path(__file__).with_name("golden") / "host"
RSA = SigningKey("r1", "rsa", b"-----BEGIN PRIVATE KEY-----\nrsa-secret\n", "active")
ED25519 = SigningKey("e1", "ed25519", b"-----BEGIN PRIVATE KEY-----\ned-secret\n", "active")
SHOP = HostedDomain("shop.example", (RSA, ED25519))
OWN = Path("/etc/postfix/mailctl")
CERTIFICATE = Certificate(
    OWN / "tls.pem", OWN / "tls.key", b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN tls-secret\n"
)
KNOWN = frozenset(provisioning.tables("postfix/main.toml")) | {"smtpd_forbid_bare_newline_reject_code"}
INPUTS = HostInputs(
    hostname="mail.sender.example",
    domains=(SHOP,),
    certificate=CERTIFICATE,
    layout=LAYOUT,
    postfix_version="3.7.11",
    postfix_parameters=KNOWN,
    postmaster="admin@elsewhere.example",
)


def inputs(**changes: Any) -> HostInputs:
    return replace(INPUTS, **changes)


def plan_for(host: MemoryHost, wanted: HostInputs | DesiredHost = INPUTS) -> HostPlan:
    desired = desired_host(wanted) if isinstance(wanted, HostInputs) else wanted
    facts = gather(host, desired.layout)
    return make_plan(desired, facts, look(host, desired, facts))


def set_up(host: MemoryHost, wanted: HostInputs = INPUTS) -> None:
    assert apply(host, plan_for(host, wanted), NOW) is not None


def assert_golden(name: str, text: str) -> None:
    """`text` is what the golden file says; MAILCTL_WRITE_GOLDEN=1 writes it instead, for a diff to be read."""
    path = GOLDEN / name
    if os.environ.get("MAILCTL_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
