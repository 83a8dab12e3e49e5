"""Publish through the API of a DNS provider, with dns-lexicon (the extra `mailctl[dns]`).

Promise: what is there is listed, compared and refused where it differs from the plan; only what differs is
written, by record, so that nothing is doubled. A single value that changes is updated in place. These APIs
have no transactions: where one call fails, the error lists what was done, and the same plan can be run again.
No credential is in any message: every option's value is cut out of what a provider says.
"""

import asyncio
import contextlib
import functools
import importlib.util
import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_plus

import dns.exception

from mailctl.errors import BadInput, HostCannot, MailctlError, PublishError, ZoneChanged
from mailctl.standards.dns import Record, RRsetChange
from mailctl.standards.presentation import RdataError, value_from_text, zone_text
from mailctl.standards.zone import stale

# Providers whose API keeps the preference of an MX apart from its host (they read lexicon's "priority").
SEPARATE_PREFERENCE = frozenset(
    [
        "cloudflare",
        "cloudns",
        "conoha",
        "desec",
        "dnsimple",
        "dnsservices",
        "easyname",
        "euserv",
        "exoscale",
        "gransy",
        "henet",
        "hostingde",
        "httpnet",
        "infoblox",
        "namecom",
        "netcup",
        "online",
        "porkbun",
        "regfish",
        "zonomi",
    ]
)
# Providers that want TXT data as it stands in a zone file.
QUOTED_TXT = frozenset({"ddns", "localzone"})
T = TypeVar("T")
ASSUMED_PREFERENCE = 10  # what mailctl publishes; where a provider lists an MX without its preference


@dataclass(frozen=True, slots=True)
class _Held:
    """A record at the provider, with the id that updates and deletions name it by."""

    identifier: str
    record: Record


@dataclass(frozen=True, slots=True)
class _Step:
    """One call: create where there is no `old`, delete where there is no `new`, else update."""

    old: _Held | None
    new: Record | None

    def __str__(self) -> str:
        record = self.new or (self.old.record if self.old else None)
        assert record is not None
        verb = "create" if self.old is None else "update" if self.new else "delete"
        return f"{verb} {record.name} {record.rdtype} {record.value!r}"


class LexiconPublisher:
    """A `Publisher` for one provider. `options` are lexicon's, such as {"auth_token": …}.

    `timeout` is for a whole list or apply, in seconds. Raises HostCannot where dns-lexicon is not installed.
    """

    def __init__(self, provider: str, options: Mapping[str, str], *, timeout: float = 120.0) -> None:
        if importlib.util.find_spec("lexicon") is None:
            raise HostCannot(
                f"publishing through {provider} needs dns-lexicon, which is not installed",
                hint="pip install 'mailctl[dns]'",
            )
        self._provider = provider
        self._options = dict(options)
        self._timeout = timeout

    @property
    def name(self) -> str:
        return f"lexicon {self._provider}"

    def __repr__(self) -> str:
        return f"<{self.name}>"

    async def list(self, zone: str, names: Collection[tuple[str, str]]) -> tuple[Record, ...]:
        """The RRsets as the provider holds them; raises PublishError."""
        held = await self._in_thread(lambda: self._held(zone, names))
        return tuple(sorted(h.record for h in held))

    async def apply(self, zone: str, changes: Sequence[RRsetChange]) -> None:
        """Write what differs, RRset by RRset; raises ZoneChanged before, and PublishError on the way."""
        if changes:
            await self._in_thread(lambda: self._apply(zone, changes))

    def _held(self, zone: str, names: Collection[tuple[str, str]]) -> tuple[_Held, ...]:
        with self._session(zone, {}) as operations:
            return tuple(h for question in sorted(set(names)) for h in self._rrset(operations, *question))

    def _apply(self, zone: str, changes: Sequence[RRsetChange]) -> None:
        held = self._held(zone, [(c.name, c.rdtype) for c in changes])
        if reasons := stale((h.record for h in held), changes):
            raise ZoneChanged(zone, reasons)
        steps = [step for change in changes for step in _steps(change, held)]
        done: list[_Step] = []
        try:
            for settings, alike in itertools.groupby(steps, key=_settings):
                with self._session(zone, settings) as operations:
                    for step in alike:
                        self._take(operations, step)
                        done.append(step)
        except PublishError as error:
            error.details += tuple(f"done: {step}" for step in done)
            error.details += tuple(f"not done: {step}" for step in steps[len(done) :])
            raise

    def _take(self, operations: Any, step: _Step) -> None:
        if step.new is None:
            assert step.old is not None
            old = step.old.record
            ok = operations.delete_record(step.old.identifier, old.rdtype, old.name, self._content(old))
        elif step.old is None:
            ok = operations.create_record(step.new.rdtype, step.new.name, self._content(step.new))
        else:
            content = self._content(step.new)
            ok = operations.update_record(step.old.identifier, step.new.rdtype, step.new.name, content)
        if not ok:
            raise PublishError(f"{self.name} did not {step}", hint="Look at the zone at the provider.")

    def _rrset(self, operations: Any, name: str, rdtype: str) -> Iterator[_Held]:
        for found in operations.list_records(rdtype, name):
            owner = str(found["name"]).rstrip(".").lower()
            if (owner, found["type"]) == (name, rdtype):  # some providers filter by less than was asked
                value = _value(rdtype, str(found["content"]), found.get("options"))
                ttl = int(found["ttl"]) if str(found.get("ttl") or "").isdecimal() else 0
                yield _Held(str(found.get("id") or ""), Record(name, rdtype, value, ttl))

    def _content(self, record: Record) -> str:
        if record.rdtype == "TXT":
            return zone_text(record) if self._provider in QUOTED_TXT else record.value
        if record.rdtype == "MX" and self._provider in SEPARATE_PREFERENCE:
            return record.value.partition(" ")[2]
        return record.value

    @contextlib.contextmanager
    def _session(self, zone: str, settings: Mapping[str, Any]) -> Iterator[Any]:
        """An authenticated lexicon client for the zone; whatever it raises becomes an error of ours."""
        from lexicon.client import Client
        from lexicon.config import ConfigResolver

        resolver: ConfigResolver = ConfigResolver()  # type: ignore[no-untyped-call]
        try:
            with Client(resolver.with_dict({**self._configuration(zone), **settings})) as operations:
                yield operations
        except PublishError:
            raise
        except Exception as error:  # noqa: BLE001 (91 providers raise whatever they like)
            # Not chained: a cause may carry a URL or a header with a credential in it.
            raise self._explained(error, zone) from None

    def _configuration(self, zone: str) -> dict[str, Any]:
        """`delegated` names the zone outright; without resolve_zone_name lexicon would guess by suffixes."""
        return {
            "provider_name": self._provider,
            "domain": zone,
            "delegated": zone,
            "resolve_zone_name": True,
            self._provider: self._options,
        }

    def _explained(self, error: Exception, zone: str) -> MailctlError:
        """The provider's exception as a sentence with what to do."""
        from lexicon.exceptions import AuthenticationError, ProviderNotAvailableError

        said = self._redacted(f"{type(error).__name__}: {error}")
        if isinstance(error, ProviderNotAvailableError):
            if "extra dependencies" in said:
                hint = f"pip install 'dns-lexicon[{self._provider}]'"
                return HostCannot(f"{self.name} needs more software: {said}", hint=hint)
            return BadInput(
                f"lexicon knows no DNS provider {self._provider!r}",
                hint="`lexicon --help` lists them; set dns.publisher to one, or to manual or rfc2136.",
            )
        if isinstance(error, dns.exception.DNSException):
            return PublishError(
                f"{self.name} could not start: this machine's name servers do not answer for {zone}: {said}",
                hint="Check /etc/resolv.conf, and that the zone exists.",
                temporary=True,
            )
        response = getattr(error, "response", None)
        code = getattr(response, "status_code", 0)
        if isinstance(error, AuthenticationError) or code in (401, 403):
            return PublishError(
                f"{self.name} did not accept the credentials for {zone}: {said}",
                hint="Check dns.options, and that the account may edit this zone.",
            )
        temporary = code == 429 or code >= 500 or (response is None and isinstance(error, OSError))
        return PublishError(
            f"{self.name} failed: {said}",
            hint="Try again later." if temporary else "Check dns.options against lexicon's documentation.",
            temporary=temporary,
        )

    def _redacted(self, text: str) -> str:
        for value in self._options.values():
            for secret in (value, quote_plus(value)):
                text = text.replace(secret, "[secret]") if secret else text
        return text

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """Run blocking lexicon beside the loop. A daemon: its requests have no timeout of their own."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            answer: Callable[[], None]
            try:
                value = call()
                answer = functools.partial(_settle, result, value, None)
            except BaseException as error:  # noqa: BLE001 (handed to the awaiting task, whatever it is)
                answer = functools.partial(_settle, result, None, error)
            with contextlib.suppress(RuntimeError):  # the loop has ended, so nobody waits any more
                loop.call_soon_threadsafe(answer)

        threading.Thread(target=work, name=self.name, daemon=True).start()
        try:
            return await asyncio.wait_for(result, self._timeout)
        except TimeoutError:
            raise PublishError(
                f"{self.name} did not finish within {self._timeout:g} s",
                hint="Look at the zone at the provider, then run the same again.",
                temporary=True,
            ) from None


def _settle(future: "asyncio.Future[Any]", value: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def _settings(step: _Step) -> dict[str, Any]:
    """What lexicon takes as settings of a client and not with the record."""
    if step.new is None:
        return {}
    settings: dict[str, Any] = {"ttl": step.new.ttl}
    if step.new.rdtype == "MX":
        settings["priority"] = step.new.value.partition(" ")[0]
    return settings


def _steps(change: RRsetChange, held: Sequence[_Held]) -> Iterator[_Step]:
    """The fewest calls: what goes is turned into what comes, so that no gap and no double shows between."""
    wanted = {record.value: record for record in change.after}
    here = [h for h in held if (h.record.name, h.record.rdtype) == (change.name, change.rdtype)]
    going = [h for h in here if h.record.value not in wanted]
    coming = [r for value, r in wanted.items() if value not in {h.record.value for h in here}]
    for old, new in itertools.zip_longest(going, coming):
        yield _Step(old, new)


def _value(rdtype: str, content: str, options: Any) -> str:
    """A provider's content as `Record.value`: with or without quotes, final dot and preference."""
    if rdtype == "TXT" and not (content.startswith('"') and content.endswith('"') and len(content) > 1):
        return content
    if rdtype == "MX" and " " not in content.strip():
        preference = (options or {}).get("mx", {}).get("priority", ASSUMED_PREFERENCE)
        content = f"{preference} {content}"
    try:
        return value_from_text(rdtype, content)
    except RdataError:
        return content
