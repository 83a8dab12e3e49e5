"""`mailctl spf`, `dmarc`, `dkim check` and `auth check`, as they are typed."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mailctl.standards import dkim
from mailctl.standards.dkim_sign import Signer, sign
from mailctl.standards.dns import Record
from tests.commands.conftest import CONTROL, NAME, Mailctl, Prepared, one_message

CLEAR = "\x1b[2J"
OTHERS = (
    Record(NAME, "TXT", "v=spf1 include:_spf.office.example mx a:gone.example ~all"),
    Record("_spf.office.example", "TXT", "v=spf1 ip4:198.51.100.0/24 include:_spf.mail.example -all"),
    Record("_spf.mail.example", "TXT", "v=spf1 ip6:2001:db8:9::/48 -all"),
    Record(NAME, "MX", f"10 mail.{NAME}"),
    Record(f"mail.{NAME}", "A", "192.0.2.10"),
    Record(f"_dmarc.{NAME}", "TXT", f"v=DMARC1; p=reject; sp=quarantine; np=none; t=y; {CLEAR}=1"),
    Record(f"news.{NAME}", "A", "192.0.2.11"),
    Record(f"weak._domainkey.{NAME}", "TXT", f"v=DKIM1; t=y; p={CLEAR}"),
    Record("broken.example", "TXT", f"v=spf1 include:none.example {CLEAR} -all"),
    Record("loop.example", "TXT", "v=spf1 include:none.example include:loop.example -all"),
    Record("big.example", "TXT", "v=spf1 " + " ".join(f"a:h{n}.example" for n in range(11)) + " -all"),
    *(Record(f"h{n}.example", "A", f"203.0.113.{n}") for n in range(11)),
)


@pytest.fixture
def look(bare: Mailctl) -> Mailctl:
    bare.dns.server.records = OTHERS
    bare.unset("MAILCTL_DNS__NAMESERVERS")
    return bare


class _At:
    """Commands that are told which name server to ask."""

    def __init__(self, mailctl: Mailctl) -> None:
        self.mailctl = mailctl
        self.server = ("--nameserver", mailctl.dns.server.address)

    def text(self, *words: str, code: int = 0) -> str:
        done = self.mailctl.run(*words, *self.server)
        assert done.returncode == code, done.stdout + done.stderr
        assert not CONTROL.search(done.stdout + done.stderr)
        return done.stdout

    def facts(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.mailctl.ok(*words, *self.server, "--json", code=code))


@pytest.fixture
def at(look: Mailctl) -> _At:
    return _At(look)


# spf


def test_the_tree_shows_costs_senders_and_the_flattened_form(at: _At) -> None:
    shown = at.text("spf", "tree", NAME)
    assert "├" not in shown
    assert "└─ include:_spf.office.example 1 lookup  v=spf1 ip4:198.51.100.0/24" in shown
    assert "   └─ include:_spf.mail.example  v=spf1" in shown
    assert "4 of 10 lookups" in shown
    assert "pass     ip4:198.51.100.0/24 in _spf.office.example  198.51.100.0/24" in shown
    assert "pass     mx  192.0.2.10\n" in shown
    assert '"v=spf1 ip4:192.0.2.10 ip4:198.51.100.0/24 ip6:2001:db8:9::/48 ~all"' in shown
    facts = at.facts("spf", "tree", NAME)
    assert (facts["lookups"], facts["limit"], facts["not_flattened"]) == (4, 10, [])
    assert facts["tree"]["children"][0]["children"][0]["domain"] == "_spf.mail.example"
    assert {network for one in facts["authorised"] for network in one["networks"]} == {
        "192.0.2.10/32",
        "198.51.100.0/24",
        "2001:db8:9::/48",
    }


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("big.example", 1, "11 of 10 lookups"),
        ("loop.example", 1, "loop loop.example includes itself"),
        ("broken.example", 1, "broken '\\x1b[2J'"),
        ("nothing.example", 1, "missing nothing.example has no SPF records"),
    ],
)
def test_a_tree_that_cannot_be_evaluated(at: _At, name: str, code: int, said: str) -> None:
    assert said in at.text("spf", "tree", name, code=code)
    assert at.facts("spf", "tree", name, code=code)["domain"] == name


@pytest.mark.parametrize(
    ("words", "code", "result"),
    [
        (("198.51.100.9",), 0, "pass"),
        (("2001:db8:9::1", "--helo", "x.example"), 0, "pass"),
        (("203.0.113.1", "--mail-from", f"shop@{NAME}"), 1, "softfail"),
    ],
)
def test_an_evaluation_shows_each_step(at: _At, words: tuple[str, ...], code: int, result: str) -> None:
    shown = at.text("spf", "test", NAME, *words, code=code)
    assert f"  {NAME} TXT: record v=spf1" in shown
    assert f"\n{result} " in shown
    facts = at.facts("spf", "test", NAME, *words, code=code)
    assert facts["result"] == result
    assert facts["trace"][0]["term"] == "TXT"


# dmarc


def test_the_policy_of_a_subdomain_is_explained(at: _At) -> None:
    shown = at.text("dmarc", "policy", f"news.{NAME}")
    assert f"_dmarc.{NAME}: a record used" in shown
    assert "sp=quarantine for subdomains that exist applies here" in " ".join(shown.split())
    assert f"Policy for news.{NAME} none" in shown
    facts = at.facts("dmarc", "policy", f"news.{NAME}")
    assert facts["status"] == "found"
    assert (facts["tag"], facts["requested"], facts["effective"]) == ("sp", "quarantine", "none")
    assert facts["found_at"] == f"_dmarc.{NAME}"
    assert [step["records"] for step in facts["walk"]] == [0, 1, 0]


def test_a_name_without_a_policy(at: _At) -> None:
    assert "no record" in at.text("dmarc", "policy", "nothing.example", code=1)
    assert at.facts("dmarc", "policy", "nothing.example", code=1)["effective"] is None


# dkim check


def test_a_published_key_is_judged(at: _At) -> None:
    shown = at.text("dkim", "check", NAME, "weak", code=1)
    assert "dkim.malformed" in shown
    assert "dkim.missing" in at.text("dkim", "check", NAME, "gone", code=1)
    facts = at.facts("dkim", "check", NAME, "gone", code=1)
    assert facts["verdict"] == "error"
    assert facts["findings"][0]["id"] == "dkim.missing"


def test_the_published_key_is_that_of_the_private_key_held_here(ready: Mailctl) -> None:
    keys = [r for r in ready.dns.server.records if "._domainkey." in r.name]
    selectors = [record.name.partition(".")[0] for record in keys]
    assert "dkim.ok" in ready.ok("dkim", "check", NAME, selectors[0])
    others = tuple(r for r in ready.dns.server.records if r not in keys)
    swapped = [Record(one.name, "TXT", other.value) for one, other in zip(keys, reversed(keys), strict=True)]
    ready.dns.server.records = (*others, *swapped)
    assert "dkim.wrong" in ready.ok("dkim", "check", NAME, selectors[0], code=1)


def test_a_key_that_is_not_there_can_be_pasted(ready: Mailctl, prepared: Prepared) -> None:
    keys = [r for r in prepared.records if "._domainkey." in r.name]
    ready.dns.server.records = tuple(r for r in prepared.records if r not in keys)
    shown = ready.ok("dkim", "check", NAME, keys[0].name.partition(".")[0], code=1)
    assert f"fix       {keys[0].name}." in shown


# auth check


@cache
def pem() -> bytes:
    return dkim.generate("ed25519")


def message(*fields: str, signed: bool = True, author: str = f"shop@{NAME}") -> bytes:
    text = f"From: Shop <{author}>\r\nTo: you@else.example\r\nSubject: hello\r\n"
    text += "Date: Sun, 01 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\n\r\nhello\r\n"
    body = text.encode()
    if signed:
        body = sign(body, [Signer(NAME, "ed", "ed25519", pem())], time=1_600_000_000, expire=None)
    return "".join(f"{field}\r\n" for field in fields).encode() + body


POSTFIX = (
    "Return-Path: <bounces@shop.example>",
    "Received: from localhost (localhost [127.0.0.1])\r\n\tby mx.else.example (Postfix) with ESMTP",
    "Received: from mail.shop.example (mail.shop.example [192.0.2.10])\r\n\tby mx.else.example (Postfix)",
    "Received: from evil.example (evil.example [198.51.100.66])\r\n\tby mail.shop.example (Postfix)",
)


def save(folder: Path, data: bytes) -> str:
    (folder / "message.eml").write_bytes(data)
    return "message.eml"


@pytest.fixture
def signed(at: _At) -> _At:
    key = Record(f"ed._domainkey.{NAME}", "TXT", dkim.public_text(pem()))
    at.mailctl.dns.server.records = (*OTHERS, key)
    return at


def test_a_saved_message_is_judged_as_it_came(signed: _At) -> None:
    name = save(signed.mailctl.folder, message(*POSTFIX))
    shown = signed.text("auth", "check", name)
    assert "from 192.0.2.10 as mail.shop.example, MAIL FROM <bounces@shop.example>" in shown
    assert "client: Received field 2; helo: Received field 2; mail from: Return-Path" in shown
    assert "spf=pass" in shown
    assert "dkim=pass" in shown
    assert "dmarc=pass" in shown
    facts = signed.facts("auth", "check", name)
    assert [v["result"] for v in facts["verdicts"]] == ["pass", "pass", "pass"]
    assert facts["authentication_results"].startswith("mail.shop.example; spf=pass")


def test_line_ends_of_unix_and_the_line_of_an_mbox(signed: _At) -> None:
    data = b"From bounces@shop.example Sun Nov  1 12:00:00 2026\n" + message(*POSTFIX).replace(b"\r\n", b"\n")
    assert "dkim=pass" in signed.text("auth", "check", save(signed.mailctl.folder, data))


def test_what_is_given_counts_more_than_the_header(signed: _At) -> None:
    name = save(signed.mailctl.folder, message(*POSTFIX, signed=False))
    words = ("--ip", "203.0.113.9", "--helo", "x.example", "--mail-from", f"a@{NAME}")
    facts = signed.facts("auth", "check", name, *words, code=1)
    assert (facts["client"], facts["helo"], facts["mail_from"]) == ("203.0.113.9", "x.example", f"a@{NAME}")
    assert [v["result"] for v in facts["verdicts"]] == ["softfail", "none", "fail"]
    assert facts["disposition"] == "quarantine"


FORGED = {
    "changed": (message().replace(b"\r\nhello\r\n", b"\r\ngoodbye\r\n"), "dkim=fail"),
    "another author": (message(*POSTFIX, author="ceo@big.example"), "dmarc=none"),
    "no author": (b"Subject: x\r\n\r\nhello\r\n", "dmarc=none"),
    "no client": (message(signed=False), "the address that it came from is not known"),
}


@pytest.mark.parametrize(("data", "said"), FORGED.values(), ids=FORGED.keys())
def test_what_does_not_pass_says_why(signed: _At, data: bytes, said: str) -> None:
    shown = signed.text("auth", "check", save(signed.mailctl.folder, data), code=1)
    assert said in shown


def test_a_message_on_stdin(signed: _At) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mailctl", "auth", "check", "-", *signed.server],
        input=message(*POSTFIX), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"dmarc=pass" in done.stdout


# Bad input, and servers that do not answer


@pytest.mark.parametrize(
    "words",
    [
        ("spf", "tree", "a b"),
        ("spf", "tree", "single"),
        ("spf", "test", NAME, "192.0.2"),
        ("spf", "test", NAME, "192.0.2.1", "--mail-from", "x@y.example"),
        ("spf", "test", NAME, "192.0.2.1", "--mail-from", "nobody"),
        ("dmarc", "policy", "a@b.example"),
        ("dkim", "check", NAME, "se lector"),
        ("dkim", "check", "co.uk", "s1"),
        ("auth", "check", "no-such-file.eml"),
        ("auth", "check", "."),
        ("auth", "check", "empty.eml"),
        ("auth", "check", "message.eml", "--ip", "1.2.3"),
        ("spf", "tree", NAME, "--nameserver", "not-an-address"),
    ],
    ids=" ".join,
)
def test_bad_words_are_refused(look: Mailctl, words: tuple[str, ...]) -> None:
    save(look.folder, message())
    (look.folder / "empty.eml").write_bytes(b"")
    look.set(MAILCTL_DNS__NAMESERVERS="127.0.0.1:9")
    assert one_message(look.run(*words), 2)


@pytest.mark.parametrize(
    "words",
    [
        ("spf", "tree", NAME),
        ("spf", "test", NAME, "192.0.2.1"),
        ("dmarc", "policy", NAME),
        ("dkim", "check", NAME, "s1"),
    ],
    ids=" ".join,
)
def test_a_silent_server_ends_in_3(look: Mailctl, words: tuple[str, ...]) -> None:
    done = look.run(*words, "--nameserver", "127.0.0.1:9")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("spf", "tree", NAME),
        ("dmarc", "policy", NAME),
        ("dkim", "check", NAME, "gone"),
        ("auth", "check", "message.eml"),
    ],
    ids=" ".join,
)
def test_no_database_is_imported(at: _At, words: tuple[str, ...]) -> None:
    save(at.mailctl.folder, message())
    code = (
        "import sys; from mailctl.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words, *at.server],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    loaded = set(done.stderr.split())
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert "mailctl.cli" in loaded
    assert not loaded & {"sqlmodel", "sqlalchemy", "alembic", "mailctl.store"}
