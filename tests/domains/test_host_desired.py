"""What a host should be like: golden files for each Postfix, and tables for the choices."""

from pathlib import Path

import pytest

from mailctl.domains.host_desired import HostedDomain, HostInputs, SigningKey, desired_host, version_tuple
from mailctl.edges.host import Account
from mailctl.errors import BadInput
from tests.domains.host_examples import ED25519, INPUTS, KNOWN, RSA, SHOP, assert_golden, inputs

# What the supported Debian and Ubuntu releases have, and a Postfix from before the smuggling fixes.
LACKS = {
    "3.5.6": {
        "smtpd_forbid_bare_newline",
        "smtpd_forbid_bare_newline_exclusions",
        "smtpd_forbid_bare_newline_reject_code",
        "smtpd_forbid_unauth_pipelining",
    },
    "3.6.4": {"smtpd_forbid_bare_newline_reject_code"},
    "3.7.11": set(),
    "3.9.1": set(),
}


def values(given: HostInputs) -> dict[str, str]:
    return {parameter.name: parameter.value for parameter in desired_host(given).parameters}


def content(given: HostInputs, path: str) -> str:
    return next(f.content.decode() for f in desired_host(given).files if f.path == Path(path))


@pytest.mark.parametrize("version", LACKS)
def test_parameters_of_each_postfix(version: str) -> None:
    desired = desired_host(inputs(postfix_version=version, postfix_parameters=KNOWN - LACKS[version]))
    lines = [f"{parameter.name} = {parameter.value}".rstrip() for parameter in desired.parameters]
    lines += [f"# unknown to this version: {name}" for name in desired.unknown]
    assert_golden(f"main.cf-{version}", "\n".join([*lines, ""]))


def test_services() -> None:
    assert_golden("master.cf", "\n".join([*(s.line for s in desired_host(INPUTS).services), ""]))


def test_files_with_their_owners_and_modes() -> None:
    parts = []
    for wanted in desired_host(inputs(systemd=True)).files:
        parts.append(f"=== {wanted.path} {wanted.kind} {wanted.owner}:{wanted.group} {wanted.mode:04o}\n")
        parts.append("(secret)\n" if wanted.secret else wanted.content.decode())
    assert_golden("files", "".join(parts))


def test_units_are_there_only_with_systemd() -> None:
    assert not [f for f in desired_host(INPUTS).files if f.path.is_relative_to("/etc/systemd")]


@pytest.mark.parametrize(
    ("states", "signing"),
    [
        (("planned",), {"k0"}),
        (("published",), {"k0"}),
        (("active", "planned"), {"k0"}),
        (("active", "published"), {"k0"}),
        (("retiring", "active"), {"k1"}),
        (("retired", "retiring"), set()),
        (("active", "active"), {"k0", "k1"}),
    ],
)
def test_which_key_signs(states: tuple[str, ...], signing: set[str]) -> None:
    keys = tuple(SigningKey(f"k{n}", "rsa", b"pem", state) for n, state in enumerate(states))
    desired = desired_host(inputs(domains=(HostedDomain("shop.example", keys),)))
    assert {f.path.stem for f in desired.files if f.path.suffix == ".private"} == signing


def test_private_keys_are_opendkims_and_nobody_elses() -> None:
    keys = [f for f in desired_host(INPUTS).files if f.path.suffix == ".private"]
    assert [(f.owner, f.mode, f.secret) for f in keys] == [("opendkim", 0o600, True)] * 2
    folders = [
        f
        for f in desired_host(INPUTS).files
        if f.path.is_relative_to("/etc/opendkim/keys") and f.kind == "directory"
    ]
    assert {(f.owner, f.group, f.mode) for f in folders} == {("root", "opendkim", 0o750)}


def test_no_secret_is_in_a_repr() -> None:
    assert "secret\\n" not in repr(INPUTS) + repr(desired_host(INPUTS))


@pytest.mark.parametrize(
    ("hostname", "domains", "receives", "destinations"),
    [
        ("mail.shop.example", ("shop.example",), False, "$myhostname, localhost.$mydomain, localhost"),
        ("shop.example", ("shop.example",), False, "localhost.$mydomain, localhost"),
        ("shop.example", ("shop.example",), True, "$myhostname, localhost.$mydomain, localhost"),
        (
            "mail.shop.example",
            ("shop.example",),
            True,
            "$myhostname, localhost.$mydomain, localhost, shop.example",
        ),
    ],
)
def test_a_domain_is_delivered_here_only_if_it_is_received_here(
    hostname: str, domains: tuple[str, ...], receives: bool, destinations: str
) -> None:
    hosted = tuple(HostedDomain(name, (RSA,), receives) for name in domains)
    assert values(inputs(hostname=hostname, domains=hosted))["mydestination"] == destinations


@pytest.mark.parametrize(
    ("hostname", "names", "signed_by"),
    [
        ("mail.shop.example", ("shop.example",), "shop.example"),
        ("mail.eu.shop.example", ("eu.shop.example", "shop.example"), "eu.shop.example"),
        ("mail.shop.example", ("mail.shop.example", "shop.example"), "mail.shop.example"),
        ("mail.other.example", ("shop.example",), None),
        ("mail.myshop.example", ("shop.example",), None),
    ],
)
def test_the_hosts_own_mail_is_signed_by_the_closest_domain(
    hostname: str, names: tuple[str, ...], signed_by: str | None
) -> None:
    given = inputs(hostname=hostname, domains=tuple(HostedDomain(name, (RSA,)) for name in names))
    lines = content(given, "/etc/opendkim/SigningTable").splitlines()
    signers = [line.split("_domainkey.")[1] for line in lines if line.startswith(f"*@{hostname} ")]
    assert signers == ([signed_by] if signed_by else [])


def test_ed25519_only_where_this_opendkim_knows_it() -> None:
    desired = desired_host(inputs(algorithms=("rsa-sha256",)))
    assert [daemon.name for daemon in desired.daemons] == ["opendkim"]
    assert not [f for f in desired.files if "e1" in f.path.name]


def test_mail_waits_for_its_rsa_signer_but_not_for_the_other() -> None:
    assert (
        values(INPUTS)["smtpd_milters"]
        == "inet:127.0.0.1:8891, { inet:127.0.0.1:8892, default_action=accept }"
    )
    alone = inputs(domains=(HostedDomain("shop.example", (ED25519,)),))
    assert values(alone)["smtpd_milters"] == "inet:127.0.0.1:8892"


def test_without_domains_there_are_no_milters_and_no_bounces() -> None:
    desired = desired_host(inputs(domains=()))
    names = {parameter.name for parameter in desired.parameters}
    assert names.isdisjoint({"smtpd_milters", "transport_maps", "virtual_mailbox_domains"})
    assert [service.key for service in desired.services] == ["127.0.0.1:10587/inet"]


def test_the_account_that_keeps_bounces() -> None:
    line = next(
        s.line for s in desired_host(inputs(bounce_account=Account(9, 12))).services if "bounces" in s.key
    )
    assert "virtual_uid_maps=static:9" in line
    assert "virtual_gid_maps=static:12" in line


@pytest.mark.parametrize("bad", ["mail.example\nrelayhost = x", "mail\x00.example", "mail\u2028.example"])
def test_a_control_character_reaches_no_file(bad: str) -> None:
    with pytest.raises(BadInput, match="control characters"):
        desired_host(inputs(hostname=bad))
    with pytest.raises(BadInput, match="control characters"):
        desired_host(inputs(domains=(HostedDomain(bad, (RSA,)),)))


def test_a_value_is_not_a_template() -> None:
    assert "{{ 7*7 }}@x" in content(inputs(postmaster="{{ 7*7 }}@x"), "/etc/postfix/mailctl/aliases")


@pytest.mark.parametrize(
    ("text", "version"), [("3.7.11", (3, 7, 11)), ("3.10-20240917", (3, 10)), ("0", (0,))]
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert version_tuple(text) == version


def test_the_same_inputs_give_the_same_host() -> None:
    assert desired_host(INPUTS) == desired_host(inputs(domains=(SHOP,)))
