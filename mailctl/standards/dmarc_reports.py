"""Whether a report may be sent to an address outside the domain that asks for it (RFC 9990 §4).

Promise: only a record at the destination authorises; a DNS fault is `temperror`, never a yes or a no.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from mailctl.standards.dmarc_record import is_record, is_report_uri, parse
from mailctl.standards.dmarc_tree import walk
from mailctl.standards.dns import Lookup

Outcome = Literal["internal", "authorised", "refused", "invalid", "temperror"]


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Whether reports may go to `uri`. `name` is where the destination says so, "" if it needs not to."""

    outcome: Outcome
    uri: str
    host: str
    name: str = ""
    overrides: tuple[str, ...] = ()  # the destination wants them there instead (step 9)
    reason: str = ""

    @property
    def authorised(self) -> bool:
        return self.outcome in ("internal", "authorised")


def destination_host(uri: str) -> str:
    """The host that a report URI leads to, in lower case; "" if it names none."""
    if not is_report_uri(uri):
        return ""
    if uri.lower().startswith("mailto:"):
        host = unquote(uri.partition(":")[2].partition("?")[0]).rpartition("@")[2]
    else:
        try:
            host = urlsplit(uri).hostname or ""
        except ValueError:
            return ""  # an IPv6 address that is none
    return host.lower().rstrip(".")


async def report_uri_authorised(lookup: Lookup, policy_domain: str, uri: str) -> Authorisation:
    """Whether the record found at `policy_domain` may have reports sent to `uri`."""
    host = destination_host(uri)
    if not host:
        return Authorisation("invalid", uri, host, reason="not a URI with a host")
    if host == policy_domain:
        return Authorisation("internal", uri, host, reason="the destination is the domain itself")
    organizations = []
    for domain in (policy_domain, host):
        tree = await walk(lookup, domain)
        if not tree.organizational_domain:
            return Authorisation("temperror", uri, host, reason=tree.fault)
        organizations.append(tree.organizational_domain)
    if organizations[0] == organizations[1]:
        reason = f"both are of the organizational domain {organizations[0]}"
        return Authorisation("internal", uri, host, reason=reason)
    return await _external(lookup, policy_domain, uri, host)


async def _external(lookup: Lookup, policy_domain: str, uri: str, host: str) -> Authorisation:
    """RFC 9990 §4, steps 2 to 9."""
    name = f"{policy_domain}._report._dmarc.{host}"
    if len(name) > 253:
        return Authorisation("refused", uri, host, name, reason="the name to ask for is too long for DNS")
    answer = await lookup(name, "TXT")
    if not answer.known:
        reason = f"{name} could not be looked up: {answer.status.value}"
        return Authorisation("temperror", uri, host, name, reason=reason)
    records = [parse(text) for text in answer.texts() if is_record(text)]
    if not records:
        return Authorisation("refused", uri, host, name, reason=f"no v=DMARC1 record at {name}")
    overrides = tuple(dict.fromkeys(one for record in records for one in record.report_uris))
    if astray := [one for one in overrides if destination_host(one) != host]:
        reason = f"{name} leads on to another host: {astray[0]}"
        return Authorisation("refused", uri, host, name, overrides, reason)
    return Authorisation("authorised", uri, host, name, overrides, f"{name} says so")
