"""The MTA-STS policy: fetched as senders fetch it, read, and held against the MX records (RFC 8461 §3.2, §3.3, §4.1).

Promise: nobody is contacted without `tools.https`, nor at an address that the Internet cannot reach unless the run is
in a laboratory. At most one finding says why there is no policy.
"""

import hashlib
from dataclasses import dataclass

from mailctl.domains.checks import exchanges
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Evidence, Finding, Severity, evidence
from mailctl.edges.https import Fetched, Trouble
from mailctl.edges.resolver.questions import describe
from mailctl.standards import mta_sts
from mailctl.standards.dns import Answer
from mailctl.standards.mta_sts import Mode, Policy
from mailctl.standards.reachable import sift

POLICY_DIGEST = "200, a policy with SHA-256 "  # and the digest: what --baseline compares
_SHORT = 86_400  # seconds
# What the other side did is evidence; what lies between us and it is not.
_TROUBLES = {
    Trouble.CERTIFICATE: "mtasts.certificate",
    Trouble.REFUSED: "mtasts.policy-unreachable",
    Trouble.TLS: "mtasts.policy-unreachable",
    Trouble.BROKEN: "mtasts.policy-unreachable",
    Trouble.PRIVATE: "mtasts.private-address",
}
_FIELDS = {
    "version": "mtasts.policy-version",
    "mode": "mtasts.policy-mode",
    "mx": "mtasts.policy-mx",
    "max_age": "mtasts.policy-max-age",
    "": "mtasts.policy-syntax",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of the policy, and what tells it apart from another one; None where none was read."""

    findings: list[Finding]
    proof: Evidence | None = None


async def check(target: Target, tools: Tools, record: Answer) -> Checked:
    """What is to be said about the policy that `record` announces."""
    if tools.https is None:
        why = "the policy was not fetched in this run"
        return Checked([found("mtasts.policy-unchecked", why, evidence=[evidence(record)])])
    host = _host(target)
    asked = await exchanges.addresses(host, tools)
    seen = [evidence(answer) for answer in asked]
    addresses, refused = sift(exchanges.all_of(asked), allow_private=tools.allow_private)
    if not addresses and not refused:
        return Checked([_homeless(host, asked, seen)])
    if not addresses:
        message = f"the policy host {host} cannot be reached from the Internet: {'; '.join(refused)}"
        finding = found("mtasts.private-address", message, evidence=seen, expected="a public address")
        return Checked([finding])
    fetched = await tools.https.fetch(host, mta_sts.POLICY_PATH, addresses, max_bytes=mta_sts.POLICY_SIZE)
    if fetched.trouble is not None:
        return Checked([_unfetched(fetched, seen)])
    useless = _useless(fetched)
    if useless is not None:
        return Checked([useless])
    policy = mta_sts.read_policy(fetched.body)
    findings = [*_served(fetched), *_problems(policy, fetched), *await _judge(target, tools, policy, fetched)]
    digest = hashlib.sha256(fetched.body).hexdigest()
    return Checked(findings, _proof(fetched, f"{POLICY_DIGEST}{digest}")[0])


async def published(target: Target, tools: Tools) -> Policy | None:
    """The policy that is served for a domain, as far as it can be fetched without asking why not."""
    if tools.https is None:
        return None
    host = _host(target)
    found_addresses = exchanges.all_of(await exchanges.addresses(host, tools))
    addresses, _ = sift(found_addresses, allow_private=tools.allow_private)
    if not addresses:
        return None
    fetched = await tools.https.fetch(host, mta_sts.POLICY_PATH, addresses, max_bytes=mta_sts.POLICY_SIZE)
    policy = mta_sts.read_policy(fetched.body)
    is_policy = fetched.status == 200 and policy.mode is not None
    return policy if is_policy and not any(p.field == "version" for p in policy.problems) else None


def _host(target: Target) -> str:
    return f"mta-sts.{target.name}"


def _homeless(host: str, asked: tuple[Answer, ...], seen: list[Evidence]) -> Finding:
    unknown = [answer for answer in asked if not answer.known]
    if unknown:
        return found(
            "mtasts.unknown", describe(unknown[0]), evidence=[evidence(answer) for answer in unknown]
        )
    chain = next((answer.chain for answer in asked if answer.chain), ())
    alias = f": it is an alias of {chain[-1]}, which has none" if chain else ""
    return found(
        "mtasts.policy-host-missing",
        f"{host} has no address{alias}",
        evidence=seen,
        expected=f"a web server at https://{host}{mta_sts.POLICY_PATH}",
        fix=f"{host}. 3600 IN A ADDRESS  (or delete the record that announces the policy)",
    )


def _proof(fetched: Fetched, answer: str) -> list[Evidence]:
    return [Evidence(f"GET {fetched.url}", answer, fetched.address)]


def _unfetched(fetched: Fetched, seen: list[Evidence]) -> Finding:
    assert fetched.trouble is not None
    finding = _TROUBLES.get(fetched.trouble, "mtasts.unknown")
    message = f"{fetched.url} could not be fetched: {fetched.detail}"
    expected = f"a certificate for {fetched.host}" if fetched.trouble is Trouble.CERTIFICATE else ""
    proof = _proof(fetched, f"{fetched.trouble.value}: {fetched.detail}")
    return found(finding, message, evidence=[*proof, *seen], expected=expected)


def _useless(fetched: Fetched) -> Finding | None:
    """A response that holds no policy at all."""
    proof = _proof(fetched, str(fetched.status))
    if 300 <= fetched.status < 400:
        message = f"{fetched.url} redirects to {fetched.location[:200] or 'nowhere'}"
        return found("mtasts.redirect", message, evidence=proof, expected="200 and the policy")
    if fetched.status in (404, 410):
        message = f"{fetched.url} does not exist ({fetched.status})"
        return found("mtasts.policy-missing", message, evidence=proof, expected="200 and the policy")
    if fetched.status != 200:
        message = f"{fetched.url} answers with status {fetched.status}"
        return found("mtasts.policy-status", message, evidence=proof, expected="200 and the policy")
    if fetched.too_large:
        message = f"{fetched.url} has more than {mta_sts.POLICY_SIZE} bytes"
        size = _proof(fetched, f"200, more than {len(fetched.body)} bytes")
        return found("mtasts.policy-too-large", message, evidence=size, expected="a few lines")
    return None


def _served(fetched: Fetched) -> list[Finding]:
    kind = fetched.content_type.partition(";")[0].strip().lower()
    if kind == "text/plain":
        return []
    message = f"{fetched.url} is served as {fetched.content_type[:100] or 'nothing in particular'}"
    proof = _proof(fetched, f"Content-Type: {fetched.content_type[:200]}")
    return [found("mtasts.content-type", message, evidence=proof, expected="text/plain")]


def _problems(policy: Policy, fetched: Fetched) -> list[Finding]:
    """What is wrong with the file, one finding a field."""
    body = fetched.body[:500].decode("utf-8", "replace")
    findings = []
    for name, id_ in _FIELDS.items():
        texts = [problem.text for problem in policy.problems if problem.field == name]
        if texts:
            findings.append(found(id_, "; ".join(texts), evidence=_proof(fetched, body)))
    if any(finding.id == "mtasts.policy-version" for finding in findings):
        # Something else is served there: what fields it lacks is the same cause.
        return [finding for finding in findings if finding.id == "mtasts.policy-version"]
    return findings


async def _judge(target: Target, tools: Tools, policy: Policy, fetched: Fetched) -> list[Finding]:
    """What a policy that can be read means for the domain's mail."""
    proof = _proof(fetched, fetched.body[:500].decode("utf-8", "replace"))
    if policy.mode is None or any(problem.field == "version" for problem in policy.problems):
        return []
    findings = []
    if policy.mode is not Mode.ENFORCE:
        message = f"the policy of {target.name} is in mode {policy.mode}"
        findings.append(found(f"mtasts.mode-{policy.mode}", message, evidence=proof))
    if policy.mode is Mode.NONE:
        return findings
    if policy.max_age is not None and policy.max_age < _SHORT:
        message = f"max_age is {policy.max_age} s"
        findings.append(found("mtasts.max-age-short", message, evidence=proof, expected="604800 or more"))
    return findings + await _coverage(target, tools, policy, proof)


async def _coverage(target: Target, tools: Tools, policy: Policy, proof: list[Evidence]) -> list[Finding]:
    hosts = await exchanges.find(target, tools)
    seen = [*proof, evidence(hosts.answer)]
    if hosts.unknown is not None:
        message = f"whether the policy covers the mail hosts is unknown: {describe(hosts.unknown)}"
        return [found("mtasts.unknown", message, evidence=[evidence(hosts.unknown)])]
    outside = [host for host in hosts.hosts if not mta_sts.covers(policy.mx, host)]
    if not outside or not policy.mx:
        return []
    enforced = policy.mode is Mode.ENFORCE
    what = "senders do not deliver to" if enforced else "in mode enforce senders would not deliver to"
    return [
        found(
            "mtasts.mx-not-covered",
            f"{what} {', '.join(outside[:10])}: the policy allows {', '.join(policy.mx[:10])}",
            evidence=seen,
            expected="an mx: line for every mail host",
            fix="\n".join(f"mx: {host}" for host in outside[:20]),
            severity=Severity.ERROR if enforced else Severity.WARNING,
        )
    ]
