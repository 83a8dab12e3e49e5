"""The difference between a host as it is and as it should be: what is shown, kept, joined, and called dangerous."""

import json
from pathlib import Path

import pytest

from mailctl.domains.host_desired import HostedDomain, SigningKey
from mailctl.domains.host_facts import gather, require
from mailctl.edges.host import Node
from mailctl.errors import HostCannot, Refused
from tests.domains.host_examples import ED25519, LAYOUT, RSA, inputs, plan_for, set_up
from tests.domains.memory_mta import MAIN_CF, Mta, bare_host


def with_line(name: str, value: str) -> str:
    """Debian's main.cf, with one more choice of somebody's."""
    kept = [line for line in MAIN_CF.splitlines() if not line.startswith(f"{name} ")]
    return "\n".join([*kept, f"{name} = {value}", ""])


def test_a_fresh_debian_host_has_nothing_dangerous() -> None:
    plan = plan_for(bare_host())
    assert plan.dangers == ()
    assert not plan.empty
    assert set(plan.start) == {"opendkim", "opendkim-ed25519", "postfix"}
    assert plan.aliases == Path("/etc/aliases.db")


def test_an_opendkim_that_cannot_run_is_a_reason_and_not_a_host_without_signer() -> None:
    mta = Mta()
    mta.failing["opendkim -V"] = "error while loading shared libraries"
    with pytest.raises(HostCannot) as caught:
        require(gather(bare_host(mta), LAYOUT))
    assert any("opendkim -V does not name rsa-sha256" in reason for reason in caught.value.details)


def test_after_apply_there_is_nothing_to_do() -> None:
    host = bare_host()
    set_up(host)
    plan = plan_for(host)
    assert plan.empty, plan.report()


def test_each_change_says_before_after_and_why() -> None:
    change = next(c for c in plan_for(bare_host()).parameters if c.name == "smtpd_banner")
    assert (change.before, change.after) == ("$myhostname ESMTP $mail_name (Debian/GNU)", "$myhostname ESMTP")
    assert change.why


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("relayhost", "[smtp.provider.example]:587"),
        ("mydestination", "$myhostname, localhost, club.example"),
        ("smtpd_milters", "inet:127.0.0.1:11332"),
        ("non_smtpd_milters", "inet:127.0.0.1:11332"),
        ("myhostname", "mx1.club.example"),
        ("mynetworks", "127.0.0.0/8 192.0.2.0/24"),
    ],
)
def test_replacing_somebodys_choice_is_dangerous(name: str, value: str) -> None:
    host = bare_host()
    host.add("/etc/postfix/main.cf", with_line(name, value))
    dangers = plan_for(host).dangers
    assert len(dangers) == 1
    assert dangers[0].startswith(f"{name} = {value}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("myhostname", "vm"),
        ("myhostname", "localhost.localdomain"),
        ("myhostname", "vps17.provider.example"),
        ("mydestination", "$myhostname, vps17.provider.example, localhost.provider.example, , localhost"),
        ("smtpd_milters", ""),
        ("smtpd_tls_cert_file", "/etc/ssl/certs/ssl-cert-snakeoil.pem"),
    ],
)
def test_what_an_installer_wrote_is_nobodys_choice(name: str, value: str) -> None:
    host = bare_host(name="vps17.provider.example")
    host.add("/etc/postfix/main.cf", with_line(name, value))
    assert plan_for(host, inputs(system_name="vps17.provider.example")).dangers == ()


def test_what_mailctl_set_itself_may_be_replaced() -> None:
    host = bare_host()
    set_up(host)
    moved = inputs(hostname="mail.elsewhere.example")
    plan = plan_for(host, moved)
    assert plan.dangers == ()
    assert [(c.name, c.before, c.after) for c in plan.parameters] == [
        ("myhostname", "mail.sender.example", "mail.elsewhere.example")
    ]


def test_what_was_changed_after_mailctl_is_somebodys_choice() -> None:
    host = bare_host()
    set_up(host)
    main_cf = host.nodes[LAYOUT.main_cf].content.decode()
    host.add(LAYOUT.main_cf, main_cf.replace("relayhost =", "relayhost = smtp.provider.example"))
    assert [danger.split(" ")[0] for danger in plan_for(host).dangers] == ["relayhost"]


def test_values_that_are_a_matter_of_taste_are_kept() -> None:
    host = bare_host()
    host.add("/etc/postfix/main.cf", with_line("message_size_limit", "52428800"))
    assert "message_size_limit" not in [c.name for c in plan_for(host).parameters]


def test_lists_are_added_to() -> None:
    host = bare_host()
    host.add("/etc/postfix/main.cf", with_line("virtual_alias_maps", "hash:/etc/postfix/virtual"))
    change = next(c for c in plan_for(host).parameters if c.name == "virtual_alias_maps")
    assert change.after == "hash:/etc/postfix/virtual, texthash:/etc/postfix/mailctl/aliases"
    assert change.danger == ""


def test_another_service_at_the_injection_port_is_dangerous() -> None:
    host = bare_host()
    host.add("/etc/postfix/master.cf", "127.0.0.1:10587 inet n - y - - smtpd -o content_filter=\n")
    assert [danger.split(":")[0] for danger in plan_for(host).dangers] == ["127.0.0.1"]


def test_a_new_injection_port_takes_the_old_service_away() -> None:
    host = bare_host()
    set_up(host)
    moved = inputs(layout=type(LAYOUT)(injection_port=2587))
    changes = {change.key: change.after for change in plan_for(host, moved).services}
    assert changes.keys() == {"127.0.0.1:2587/inet", "127.0.0.1:10587/inet"}
    assert changes["127.0.0.1:10587/inet"] is None


def test_somebodys_opendkim_conf_is_dangerous_debians_is_not() -> None:
    host = bare_host()
    host.add("/etc/opendkim.conf", "Domain club.example\nKeyFile /etc/dkimkeys/club.private\n")
    assert [danger.split(":")[0] for danger in plan_for(host).dangers] == ["/etc/opendkim.conf"]


def test_a_mode_that_was_widened_is_put_right_and_shown() -> None:
    host = bare_host()
    set_up(host)
    path = Path("/etc/opendkim/keys/shop.example/r1.private")
    host.nodes[path] = Node("opendkim", "opendkim", 0o644, RSA.private_pem)
    report = plan_for(host).report()
    assert [(f["path"], f["action"], f["before"], f["after"], f["diff"]) for f in report["files"]] == [
        (str(path), "mode", "opendkim:opendkim 0644", "opendkim:opendkim 0600", "")
    ]


def test_a_retired_key_is_removed_and_tables_are_reloaded_not_restarted() -> None:
    host = bare_host()
    set_up(host)
    rotated = HostedDomain(
        "shop.example",
        (
            SigningKey("r1", "rsa", RSA.private_pem, "retiring"),
            SigningKey("r2", "rsa", b"-----BEGIN new", "active"),
            ED25519,
        ),
    )
    plan = plan_for(host, inputs(domains=(rotated,)))
    actions = {change.path.name: change.action for change in plan.files}
    assert actions == {
        "r2.private": "create",
        "KeyTable": "change",
        "SigningTable": "change",
        "r1.private": "remove",
    }
    assert (plan.start, plan.restart) == ((), ())
    assert "opendkim" in plan.reload


def test_no_secret_is_in_a_plan() -> None:
    plan = plan_for(bare_host())
    shown = json.dumps(plan.report()) + repr(plan)
    for secret in ("rsa-secret", "ed-secret", "tls-secret"):
        assert secret not in shown
    assert "KeyTable" in shown


def test_a_diff_shows_what_changes() -> None:
    change = next(c for c in plan_for(bare_host()).files if c.path == Path("/etc/opendkim.conf"))
    assert "-Socket local:/run/opendkim/opendkim.sock" in change.diff
    assert "+Socket              inet:8891@127.0.0.1" in change.diff


def test_a_link_in_the_place_of_a_file_is_refused() -> None:
    host = bare_host()
    host.nodes[LAYOUT.main_cf] = Node("root", "root", 0o777, b"/srv/main.cf", "link")
    host.nodes[Path("/etc/opendkim.conf")] = Node("root", "root", 0o777, b"/srv/x", "link")
    with pytest.raises(Refused) as caught:
        plan_for(host)
    assert len(caught.value.details) == 2


def test_parameters_that_this_postfix_lacks_are_named() -> None:
    mta = Mta("3.5.6", without=["smtpd_forbid_bare_newline"])
    host = bare_host(mta)
    plan = plan_for(host, inputs(postfix_parameters=frozenset(mta.defaults)))
    assert plan.report()["unknown_parameters"] == ["smtpd_forbid_bare_newline"]


def test_without_postfix_there_is_no_plan() -> None:
    host = bare_host()
    del host.programs["postconf"]
    with pytest.raises(HostCannot, match="not installed"):
        plan_for(host)
