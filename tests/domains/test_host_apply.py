"""Applying to a host in memory: whatever fails, and wherever a run is killed, the host is as it was."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailctl.domains.host_apply import apply, lock, recover, undo
from mailctl.domains.host_desired import HostedDomain
from mailctl.domains.host_facts import gather, require
from mailctl.domains.host_journal import State, journals
from mailctl.edges.host import MemoryHost, Node, Process
from mailctl.errors import ApplyFailed, HostCannot, Refused
from tests.domains.host_examples import LAYOUT, NOW, RSA, SHOP, inputs, plan_for, set_up
from tests.domains.memory_mta import Mta, bare_host, files


class Killed(BaseException):
    """The process is gone: nothing that it would still do happens."""


def undone(host: MemoryHost, *, force: bool = False) -> bool:
    return undo(host, LAYOUT, gather(host, LAYOUT), force=force) is not None


def count_changes(host: MemoryHost, act: Callable[[], object]) -> int:
    seen: list[str] = []
    host.fault = seen.append
    act()
    host.fault = lambda _change: None
    return len(seen)


def fail_at(host: MemoryHost, number: int, error: BaseException, *, for_good: bool) -> None:
    left = [number]

    def fault(_change: str) -> None:
        left[0] -= 1
        if left[0] == 0 or (for_good and left[0] < 0):
            raise error

    host.fault = fault


def steps_of_apply() -> int:
    host = bare_host()
    plan = plan_for(host)
    return count_changes(host, lambda: apply(host, plan, NOW))


def running(host: MemoryHost) -> list[str]:
    return sorted(process.comm for process in host.processes.values())


def test_apply_makes_the_host_what_was_planned() -> None:
    host = bare_host()
    set_up(host)
    assert running(host) == ["master", "opendkim", "opendkim"]
    key = host.nodes[Path("/etc/opendkim/keys/shop.example/r1.private")]
    assert (key.owner, key.group, key.mode, key.content) == ("opendkim", "opendkim", 0o600, RSA.private_pem)
    assert host.nodes[LAYOUT.master_cf].mode == 0o640  # kept
    assert b"smtpd_forbid_bare_newline = normalize" in host.nodes[LAYOUT.main_cf].content


def test_an_empty_plan_touches_nothing() -> None:
    host = bare_host()
    set_up(host)
    plan = plan_for(host)
    assert count_changes(host, lambda: apply(host, plan, NOW)) == 0


def test_postfix_is_edited_by_postconf_alone_and_on_a_copy() -> None:
    host = bare_host()
    set_up(host)
    edits = [call for call in host.calls if call[0] == "postconf" and len(call) > 4 and call[3] != "-hx"]
    assert [call[3] for call in edits] == ["-e", "-M", "-M"]
    assert {Path(call[2]).name for call in edits} == {"stage"}


def test_the_journal_is_roots_alone() -> None:
    host = bare_host()
    set_up(host)
    inside = {
        path: node for path, node in host.nodes.items() if path.is_relative_to("/var/lib/mailctl/journal")
    }
    assert len(inside) > 3
    assert {node.mode & 0o077 for node in inside.values()} == {0}


def test_undo_puts_back_every_byte_owner_and_mode() -> None:
    host = bare_host()
    before = files(host)
    set_up(host)
    assert undone(host)
    assert files(host) == before
    assert running(host) == []
    assert not undone(host)


def test_undo_leaves_running_what_was_running() -> None:
    host = bare_host()
    host.run(["postfix", "-c", "/etc/postfix", "start"])
    host.run(["opendkim", "-x", "/etc/opendkim.conf"])
    set_up(host)
    undone(host)
    assert running(host) == ["master", "opendkim"]


def test_undo_goes_back_one_apply_at_a_time() -> None:
    host = bare_host()
    before = files(host)
    set_up(host)
    between = files(host)
    set_up(host, inputs(domains=(SHOP, HostedDomain("club.example", (RSA,)))))
    assert undone(host)
    assert files(host) == between
    assert undone(host)
    assert files(host) == before


def test_undo_keeps_what_came_back() -> None:
    host = bare_host()
    set_up(host)
    host.add("/var/mail/mailctl-bounces/bounces.shop.example/new/1", "a bounce")
    undone(host)
    assert Path("/var/mail/mailctl-bounces/bounces.shop.example/new/1") in host.nodes


def test_undo_refuses_when_somebody_has_changed_a_file_since() -> None:
    host = bare_host()
    before = files(host)
    set_up(host)
    host.add(LAYOUT.main_cf, host.nodes[LAYOUT.main_cf].content + b"relayhost = smtp.provider.example\n")
    with pytest.raises(Refused) as caught:
        undone(host)
    assert caught.value.details == ("/etc/postfix/main.cf",)
    assert undone(host, force=True)
    assert files(host) == before


@pytest.mark.parametrize(
    "program",
    ["^postfix .* check", "^postfix .* start", "^opendkim -n", r"^opendkim -x .*ed25519", "^postalias"],
)
def test_a_program_that_says_no_puts_everything_back(program: str) -> None:
    mta = Mta()
    host = bare_host(mta)
    before = files(host)
    mta.failing[program] = "it does not like it"
    with pytest.raises(ApplyFailed) as caught:
        set_up(host)
    assert "it does not like it" in caught.value.details[0]
    assert files(host) == before
    assert running(host) == []
    mta.failing.clear()
    set_up(host)


def test_postconf_that_says_no_changes_nothing() -> None:
    mta = Mta()
    host = bare_host(mta)
    plan, before = plan_for(host), files(host)
    mta.failing["-e "] = "bad parameter"
    with pytest.raises(HostCannot, match="nothing was changed"):
        apply(host, plan, NOW)
    assert files(host) == before


def test_a_disk_that_is_full_at_any_moment_leaves_the_host_as_it_was() -> None:
    steps = steps_of_apply()
    assert steps > 60
    for number in range(1, steps + 1):
        host = bare_host()
        plan, before = plan_for(host), files(host)
        fail_at(host, number, OSError(28, "No space left on device"), for_good=False)
        with pytest.raises((HostCannot, ApplyFailed)) as caught:
            apply(host, plan, NOW)
        assert "No space left" in caught.value.details[0]
        assert files(host) == before, number
        assert running(host) == [], number
        assert not any(journal.unfinished for journal in journals(host, LAYOUT.state))


def test_a_run_killed_at_any_moment_is_put_back_by_the_next() -> None:
    steps = steps_of_apply()
    for number in range(1, steps + 1):
        host = bare_host()
        plan, before = plan_for(host), files(host)
        fail_at(host, number, Killed(), for_good=True)
        with pytest.raises(Killed):
            apply(host, plan, NOW)
        host.fault = lambda _change: None
        recover(host, LAYOUT, gather(host, LAYOUT))
        assert not any(journal.state is State.APPLIED for journal in journals(host, LAYOUT.state))
        assert files(host) == before, number
        assert running(host) == [], number
        set_up(host)
        assert plan_for(host).empty


def test_an_undo_killed_at_any_moment_is_finished_by_the_next() -> None:
    trial = bare_host()
    set_up(trial)
    steps = count_changes(trial, lambda: undone(trial))
    for number in range(1, steps + 1):
        host = bare_host()
        before = files(host)
        set_up(host)
        fail_at(host, number, Killed(), for_good=True)
        with pytest.raises(Killed):
            undone(host)
        host.fault = lambda _change: None
        undone(host)
        assert files(host) == before, number
        assert running(host) == [], number


def test_an_interrupt_puts_everything_back() -> None:
    host = bare_host()
    plan, before = plan_for(host), files(host)

    def interrupt(change: str) -> None:
        if change.startswith("run postfix") and change.endswith("check"):
            raise KeyboardInterrupt

    host.fault = interrupt
    with pytest.raises(KeyboardInterrupt):
        apply(host, plan, NOW)
    assert files(host) == before


def test_an_unfinished_run_is_not_built_upon() -> None:
    host = bare_host()
    plan = plan_for(host)
    fail_at(host, 40, Killed(), for_good=True)
    with pytest.raises(Killed):
        apply(host, plan, NOW)
    host.fault = lambda _change: None
    with pytest.raises(Refused, match="cut off") as caught:
        set_up(host)
    assert "undo" in caught.value.hint


def test_what_cannot_be_put_back_now_is_put_back_later() -> None:
    host = bare_host()
    plan, before = plan_for(host), files(host)

    def full_from_check_on(change: str) -> None:
        if change.startswith("run postfix") and change.endswith("check"):
            host.fault = full
            raise OSError(5, "Input/output error")

    def full(_change: str) -> None:
        raise OSError(28, "No space left on device")

    host.fault = full_from_check_on
    with pytest.raises(ApplyFailed, match="could not be put back") as caught:
        apply(host, plan, NOW)
    assert any("Input/output" in detail for detail in caught.value.details)
    host.fault = lambda _change: None
    assert undone(host)
    assert files(host) == before


def test_a_host_that_changed_since_the_plan_is_refused() -> None:
    host = bare_host()
    plan = plan_for(host)
    host.add(LAYOUT.main_cf, "myhostname = other\n")
    before = files(host)
    with pytest.raises(Refused) as caught:
        apply(host, plan, NOW)
    assert caught.value.details == ("/etc/postfix/main.cf",)
    assert files(host) == before


def test_dangerous_changes_need_force() -> None:
    host = bare_host()
    host.add("/etc/opendkim.conf", "Domain club.example\n")
    plan, before = plan_for(host), files(host)
    with pytest.raises(Refused):
        apply(host, plan, NOW)
    assert files(host) == before
    assert apply(host, plan, NOW, force=True) is not None


def test_two_at_once_are_refused() -> None:
    host = bare_host()
    plan = plan_for(host)
    with lock(host, LAYOUT), pytest.raises(Refused, match="another mailctl"):
        apply(host, plan, NOW)


@pytest.mark.parametrize("port", [10587, 8891, 8892])
def test_a_port_that_is_taken_is_found_before_anything_is_changed(port: int) -> None:
    host = bare_host()
    host.processes[77] = Process("other", (port,))
    plan, before = plan_for(host), files(host)
    with pytest.raises(HostCannot) as caught:
        apply(host, plan, NOW)
    assert caught.value.details == (f"127.0.0.1:{port}",)
    assert files(host) == before


def test_every_reason_why_a_host_cannot_is_told_at_once() -> None:
    host = bare_host(uid=1000)
    for program in ("postconf", "opendkim"):
        del host.programs[program]
    with pytest.raises(HostCannot) as caught:
        require(gather(host, LAYOUT))
    assert "apt-get install postfix opendkim" in caught.value.hint
    assert len(caught.value.details) == 3
    assert caught.value.exit_code == 5


def test_without_root_nothing_is_changed() -> None:
    host = bare_host(uid=1000)
    plan, before = plan_for(host), files(host)
    for act in (lambda: apply(host, plan, NOW), lambda: undone(host)):
        with pytest.raises(HostCannot, match=r"cannot be set up|only root"):
            act()
    assert files(host) == before


def test_a_host_without_main_cf_gets_one() -> None:
    host = bare_host()
    dist = Node("root", "root", 0o644, b"smtp inet n - y - - smtpd\n")
    for path in (LAYOUT.main_cf, LAYOUT.master_cf):
        del host.nodes[path]
    host.add("/usr/share/postfix/master.cf.dist", dist.content)
    before = files(host)
    set_up(host)
    assert b"myhostname = mail.sender.example" in host.nodes[LAYOUT.main_cf].content
    assert b"smtp inet n" in host.nodes[LAYOUT.master_cf].content
    undone(host)
    assert files(host) == before


def test_the_last_domain_of_an_algorithm_takes_its_daemon_along() -> None:
    host = bare_host()
    set_up(host)
    set_up(host, inputs(domains=(HostedDomain("shop.example", (RSA,)),)))
    assert running(host) == ["master", "opendkim"]
    assert Path("/etc/opendkim/ed25519.conf") not in host.nodes
    assert plan_for(host, inputs(domains=(HostedDomain("shop.example", (RSA,)),))).empty


def test_with_systemd_every_service_is_its_business() -> None:
    host = bare_host()
    host.processes[1] = Process("systemd")
    host.run(["systemctl", "start", "postfix"])
    host.run(["systemctl", "start", "opendkim"])
    before, wanted = files(host), inputs(systemd=True)
    set_up(host, wanted)
    assert running(host) == ["master", "opendkim", "opendkim", "systemd"]
    assert plan_for(host, wanted).empty
    told = [call[1:] for call in host.calls if call[0] == "systemctl"][2:]
    assert told == [
        ("daemon-reload",),
        ("stop", "opendkim"),
        ("start", "opendkim"),
        ("start", "opendkim-ed25519"),
        ("reload", "postfix"),
    ]
    assert undone(host)
    assert files(host) == before
    assert running(host) == ["master", "opendkim", "systemd"]
    assert not [call for call in host.calls if call[0] == "signal"]


def test_rotation_reloads_the_signers() -> None:
    host = bare_host()
    set_up(host)
    pids = set(host.processes)
    new = replace(RSA, selector="r2", private_pem=b"-----BEGIN other")
    set_up(host, inputs(domains=(HostedDomain("shop.example", (new, *SHOP.keys[1:])),)))
    assert set(host.processes) == pids
    assert [call for call in host.calls if call[0] == "signal"]
    assert Path("/etc/opendkim/keys/shop.example/r1.private") not in host.nodes
