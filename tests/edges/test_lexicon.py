"""Publishing through lexicon: its own client and a provider that keeps its zone in memory."""

import asyncio
import importlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import dns.resolver
import pytest

from mailctl.edges.dns_server import DnsServer
from mailctl.edges.lexicon import QUOTED_TXT, SEPARATE_PREFERENCE, LexiconPublisher
from mailctl.errors import BadInput, HostCannot, MailctlError, PublishError, ZoneChanged
from mailctl.standards.dns import Record, RRsetChange

ZONE = "client.example"
SECRET = "s3cret/token value"
SPF = Record(ZONE, "TXT", "v=spf1 -all", 3600)
NEW_SPF = Record(ZONE, "TXT", "v=spf1 ip4:192.0.2.1 -all", 3600)
OTHER = Record(ZONE, "TXT", "other-verification", 3600)
MX = Record(f"bounces.{ZONE}", "MX", "10 mail.house.example", 600)
KEY = Record(f"s1._domainkey.{ZONE}", "TXT", "v=DKIM1; p=" + "A" * 400, 3600)
PROVIDER = '''
"""A provider whose zone lives in this module, found as lexicon finds its own."""
from lexicon.exceptions import AuthenticationError
from lexicon.interfaces import Provider as Base

RECORDS, CALLS, FAULTS, NUMBERS = [], [], [], iter(range(1, 1000))

class Provider(Base):
    @staticmethod
    def get_nameservers(): return []
    @staticmethod
    def configure_parser(parser): pass
    def authenticate(self):
        if self._get_provider_option("auth_token") != "SECRET":
            raise AuthenticationError("bad token " + self._get_provider_option("auth_token"))
    def _call(self, *call):
        CALLS.append((self.domain, *call))
        if FAULTS and FAULTS[0][0] == call[0]:
            raise FAULTS.pop(0)[1]
    def create_record(self, rtype, name, content):
        self._call("create", rtype, name, content)
        RECORDS.append({"id": next(NUMBERS), "type": rtype, "name": self._fqdn_name(name),
                        "ttl": self._get_lexicon_option("ttl"), "content": content})
        return True
    def list_records(self, rtype=None, name=None, content=None):
        return [dict(r) for r in RECORDS if r["type"] == rtype]
    def update_record(self, identifier, rtype=None, name=None, content=None):
        self._call("update", rtype, name, content)
        found = [r for r in RECORDS if str(r["id"]) == str(identifier)]
        for record in found: record["content"] = content
        return bool(found)
    def delete_record(self, identifier=None, rtype=None, name=None, content=None):
        self._call("delete", rtype, name, content)
        RECORDS[:] = [r for r in RECORDS if str(r["id"]) != str(identifier)]
        return True
'''


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Any]:
    """The module of the provider "mailctltest", beside lexicon's own."""
    providers = importlib.import_module("lexicon._private.providers")
    (tmp_path / "mailctltest.py").write_text(PROVIDER.replace('"SECRET"', repr(SECRET)))
    providers.__path__.append(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("lexicon._private.providers.mailctltest")
    providers.__path__.remove(str(tmp_path))
    del sys.modules["lexicon._private.providers.mailctltest"]


def publisher(token: str = SECRET, name: str = "mailctltest") -> LexiconPublisher:
    return LexiconPublisher(name, {"auth_token": token})


def run(*actions: Callable[[], Awaitable[object]], zone: str = ZONE) -> list[object]:
    """Run the actions while a name server of our own tells lexicon (by dnspython's resolver) of the zone."""

    async def body() -> list[object]:
        async with DnsServer([], zones=[zone]) as server:
            resolver = dns.resolver.Resolver(configure=False)
            resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
            dns.resolver.default_resolver = resolver
            return [await action() for action in actions]

    try:
        return asyncio.run(body())
    finally:
        dns.resolver.default_resolver = None


def failure(action: Callable[[], Awaitable[object]]) -> MailctlError:
    with pytest.raises(MailctlError) as caught:
        run(action)
    told = f"{caught.value.message} {caught.value.hint} {caught.value.details} {caught.value.__cause__}"
    assert SECRET not in told
    assert caught.value.hint
    return caught.value


def hold(provider: Any, *records: Record) -> None:
    for record in records:
        content = record.value.partition(" ")[2] if record.rdtype == "MX" else record.value
        provider.RECORDS.append(
            {
                "id": len(provider.RECORDS) + 5000,
                "type": record.rdtype,
                "name": record.name + ".",
                "ttl": record.ttl,
                "content": content,
            }
        )


def test_only_what_differs_is_written(provider: Any) -> None:
    hold(provider, SPF, OTHER, MX)
    questions = [(ZONE, "TXT"), (MX.name, "MX"), (KEY.name, "TXT")]
    changes = [
        RRsetChange(ZONE, "TXT", (OTHER, SPF), (OTHER, NEW_SPF)),
        RRsetChange(MX.name, "MX", (MX,), ()),
        RRsetChange(KEY.name, "TXT", (), (KEY,)),
    ]
    dns_lexicon = publisher()
    before, _, after = run(
        lambda: dns_lexicon.list(ZONE, questions),
        lambda: dns_lexicon.apply(ZONE, changes),
        lambda: dns_lexicon.list(ZONE, questions),
    )
    assert before == tuple(sorted([SPF, OTHER, MX]))
    assert after == tuple(sorted([NEW_SPF, OTHER, KEY]))
    assert [
        (ZONE, "update", "TXT", ZONE, NEW_SPF.value),
        (ZONE, "delete", "MX", MX.name, MX.value),
        (ZONE, "create", "TXT", KEY.name, KEY.value),
    ] == provider.CALLS


def test_quoted_content_is_read_as_its_value(provider: Any) -> None:
    quoted = Record(ZONE, "TXT", '"v=spf1 " "-all"', 3600)
    hold(provider, quoted)
    assert run(lambda: publisher().list(ZONE, [(ZONE, "TXT")])) == [(SPF,)]


def test_a_zone_that_changed_is_refused_before_anything_is_written(provider: Any) -> None:
    hold(provider, OTHER)
    error = failure(lambda: publisher().apply(ZONE, [RRsetChange(ZONE, "TXT", (SPF,), (NEW_SPF,))]))
    assert isinstance(error, ZoneChanged)
    assert f"{ZONE} TXT" in error.details[0]
    assert provider.CALLS == []


def test_a_failure_on_the_way_says_what_was_done(provider: Any) -> None:
    provider.FAULTS.append(("update", ConnectionError(f"https://api.example/?token={SECRET}")))
    hold(provider, SPF)
    changes = [RRsetChange(KEY.name, "TXT", (), (KEY,)), RRsetChange(ZONE, "TXT", (SPF,), (NEW_SPF,))]
    error = failure(lambda: publisher().apply(ZONE, changes))
    assert isinstance(error, PublishError)
    assert error.temporary
    assert [line.partition(" TXT")[0] for line in error.details] == [
        f"done: create {KEY.name}",
        f"not done: update {ZONE}",
    ]


def test_the_zone_is_ours_even_where_the_dns_still_shows_its_parent(provider: Any) -> None:
    create = RRsetChange(KEY.name, "TXT", (), (KEY,))
    run(lambda: publisher().apply(ZONE, [create]), zone="example")
    assert [call[0] for call in provider.CALLS] == [ZONE]


def test_name_servers_that_do_not_know_the_zone(provider: Any) -> None:
    error = failure(lambda: publisher().list("foreign.test", [("foreign.test", "TXT")]))
    assert "name servers" in error.message


def test_refused_credentials(provider: Any) -> None:
    error = failure(lambda: publisher(token="wrong-token").list(ZONE, [(ZONE, "TXT")]))
    assert "credentials" in error.message
    assert "wrong-token" not in error.message
    assert SECRET not in repr(publisher())


def test_a_provider_that_does_not_exist() -> None:
    assert isinstance(failure(lambda: publisher(name="nosuchdns").list(ZONE, [(ZONE, "TXT")])), BadInput)


def test_a_provider_that_lacks_its_own_software() -> None:
    error = failure(lambda: publisher(name="localzone").list(ZONE, [(ZONE, "TXT")]))
    assert isinstance(error, HostCannot)
    assert "pip install" in error.hint


def test_a_provider_that_hangs_is_given_up(provider: Any) -> None:
    provider.Provider.authenticate = lambda self: __import__("time").sleep(1)
    slow = LexiconPublisher("mailctltest", {"auth_token": SECRET}, timeout=0.1)
    error = failure(lambda: slow.list(ZONE, [(ZONE, "TXT")]))
    assert isinstance(error, PublishError)
    assert error.temporary


def test_without_lexicon_the_way_to_install_it_is_said() -> None:
    program = (
        "import sys; sys.modules['lexicon'] = None  # as if it were not installed\n"
        "from mailctl.edges.lexicon import LexiconPublisher\n"
        "try: LexiconPublisher('cloudflare', {})\n"
        "except Exception as error: print(type(error).__name__, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "HostCannot pip install 'mailctl[dns]'\n"


def test_the_tables_of_providers_agree_with_lexicon() -> None:
    folder = Path(importlib.import_module("lexicon._private.providers").__path__[0])
    modules = {path.stem: path.read_text() for path in folder.glob("*.py")}
    assert {
        name for name, text in modules.items() if '_get_lexicon_option("priority")' in text
    } == SEPARATE_PREFERENCE
    assert set(modules) >= QUOTED_TXT
