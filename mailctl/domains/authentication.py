"""What a receiver under RFC 9989 makes of one message: SPF, DKIM and DMARC, each with its reason.

Promise: no verdict without its reason, and never an exception for what a sender or the DNS does. DKIM is judged a
second time by dkimpy, which nobody of us wrote: a signature that it does not accept does not pass.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import getaddresses

from mailctl.edges.smtp import Received
from mailctl.standards import authres, dkim_verify, dmarc, spf_check
from mailctl.standards.dkim_canon import split
from mailctl.standards.dkim_verify import SignatureResult
from mailctl.standards.dns import Address, Lookup

_LONGEST_FROM = 20_000  # bytes of a From field that are read; ours


@dataclass(frozen=True, slots=True)
class Verdict:
    """One method's result (RFC 8601 §2.7) for one identity, and why."""

    method: str  # "spf", "dkim" or "dmarc"
    result: str
    identity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SPF is evaluated for: who connected (None: not known any more), its HELO, and MAIL FROM, "" for null."""

    client: Address | None
    helo: str
    mail_from: str


@dataclass(frozen=True, slots=True)
class Authentication:
    """Everything a receiver found out about one message."""

    verdicts: tuple[Verdict, ...]
    header: str  # the value of Authentication-Results
    disposition: str  # what the DMARC policy asks for

    def results(self, method: str) -> tuple[str, ...]:
        return tuple(v.result for v in self.verdicts if v.method == method)

    @property
    def passed(self) -> bool:
        """SPF passes, every DKIM signature passes and there is one, and DMARC passes."""
        return all(set(self.results(method)) == {"pass"} for method in ("spf", "dkim", "dmarc"))


async def authenticate(lookup: Lookup, received: Received, *, receiver: str, now: datetime) -> Authentication:
    """Judge one message as it came; `receiver` is the name that the verdict is signed with."""
    envelope = Envelope(received.client, received.helo, received.mail_from)
    return await judge(lookup, received.message, envelope, receiver=receiver, now=now)


async def judge(
    lookup: Lookup, message: bytes, envelope: Envelope, *, receiver: str, now: datetime
) -> Authentication:
    """Judge a message, also one of whose client nobody knows any more: SPF is `none` then, and says so."""
    author = author_domain(message)
    spf = await _of_envelope(lookup, envelope)
    signatures = await dkim_verify.verify(lookup, message, int(now.timestamp()))
    second = await second_opinion(lookup, message, signatures)
    judged = [_dkim_verdict(s, accepted) for s, accepted in zip(signatures, second, strict=True)]
    outcome = await dmarc.evaluate(
        lookup,
        author,
        (spf.identity, spf.result),
        [(s.domain, v.result) for s, v in zip(signatures, judged, strict=True)],
    )
    verdicts = (spf, *judged, Verdict("dmarc", outcome.result, author, _dmarc_reason(outcome)))
    written = [authres.of_spf(spf.result, envelope.mail_from, envelope.helo)]
    written += [_written(s, v) for s, v in zip(signatures, judged, strict=True)]
    written.append(authres.of_dmarc(outcome))
    header = authres.format(receiver, written, fold=" ")
    return Authentication(verdicts, header, str(outcome.disposition))


async def _of_envelope(lookup: Lookup, envelope: Envelope) -> Verdict:
    if envelope.client is None:
        domain = envelope.mail_from.rpartition("@")[2] or envelope.helo
        return Verdict("spf", "none", domain, "the address that it came from is not known")
    return await spf_verdict(lookup, envelope.client, envelope.helo, envelope.mail_from)


def _dmarc_reason(outcome: dmarc.Evaluation) -> str:
    if outcome.result == "pass":
        return f"aligned: {', '.join(dict.fromkeys(outcome.aligned_by))}"
    return outcome.reason


def _written(signature: SignatureResult, verdict: Verdict) -> authres.MethodResult:
    return replace(authres.of_dkim(signature), result=verdict.result)


def author_domain(message: bytes) -> str:
    """The domain of the From field; "" where there is not exactly one such field and domain (RFC 9989 §5.3.1).

    The bytes are read as they stand: what an encoded word would decode to is no address (RFC 2047 §5).
    """
    fields, _ = split(message if b"\r\n" in message else message.replace(b"\n", b"\r\n"))
    values = [one.raw.partition(b":")[2] for one in fields if one.name == b"from"]
    if len(values) != 1:
        return ""
    text = " ".join(values[0][:_LONGEST_FROM].decode("utf-8", "replace").split())
    domains = {address.rpartition("@")[2].lower() for _, address in getaddresses([text]) if "@" in address}
    return domains.pop() if len(domains) == 1 else ""


async def spf_verdict(lookup: Lookup, client: Address, helo: str, mail_from: str) -> Verdict:
    """SPF of the envelope sender, with the term that decided."""
    result = await spf_check.evaluate(lookup, ip=client, helo=helo, mail_from=mail_from)
    matched = "nothing, and the default applies" if result.mechanism == "default" else result.mechanism
    reason = result.problem or f"{client} matches {matched}"
    return Verdict("spf", result.result, result.domain, reason)


async def second_opinion(
    lookup: Lookup, message: bytes, signatures: tuple[SignatureResult, ...]
) -> tuple[bool, ...]:
    """dkimpy's verdict on each signature. It asks in a thread and cannot await, so its keys are fetched first."""
    names = [f"{s.selector}._domainkey.{s.domain}" for s in signatures if s.domain]
    answers = await asyncio.gather(*(lookup(name, "TXT") for name in names))
    texts = {a.name: a.texts()[0].encode("latin-1") for a in answers if len(a.texts()) == 1}
    return await asyncio.to_thread(_ask_dkimpy, message, len(signatures), texts)


def _ask_dkimpy(message: bytes, signatures: int, texts: Mapping[str, bytes]) -> tuple[bool, ...]:
    import dkim

    def dnsfunc(name: bytes | str, timeout: int = 5) -> bytes | None:  # noqa: ARG001 - dkimpy's signature
        text = name.decode("ascii") if isinstance(name, bytes) else name
        return texts.get(text.rstrip(".").lower())

    # dkimpy raises, among others, TypeError for a key and IndexError for a header that it cannot read.
    refusals = (dkim.DKIMException, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
    try:
        verifier = dkim.DKIM(message, minkey=1024)
    except refusals:
        return (False,) * signatures
    accepted = []
    for index in range(signatures):
        try:
            accepted.append(bool(verifier.verify(index, dnsfunc=dnsfunc)))
        except refusals:
            accepted.append(False)
    return tuple(accepted)


def _dkim_verdict(signature: SignatureResult, accepted: bool) -> Verdict:
    if not signature.domain:
        return Verdict("dkim", signature.result, "", signature.reason or "no signature")
    identity = f"{signature.selector}._domainkey.{signature.domain} ({signature.algorithm})"
    if signature.result == "pass" and not accepted:
        return Verdict("dkim", "fail", identity, "dkimpy, the second verifier, does not accept it")
    reason = signature.reason or "verified, and by dkimpy too"
    return Verdict("dkim", signature.result, identity, reason)
