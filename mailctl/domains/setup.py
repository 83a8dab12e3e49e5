"""`mailctl setup`: facts → plan → apply → publish → prove, as functions over one `Wiring`.

Promise: `propose` changes nothing; `carry_out` goes on where an earlier run stopped, because it only looks at what
the store, the host and the zone say. During a rotation the old key signs until the new one was seen at every
authoritative server. Where a step fails, what that step changed is put back, and a rerun takes up from there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from mailctl.domains import registry, rotation
from mailctl.domains.desired import ELSEWHERE, MailDomain
from mailctl.domains.findings import Report, Severity
from mailctl.domains.host_plan import HostPlan
from mailctl.domains.host_setup import apply_host, plan_host
from mailctl.domains.publish import Sighting, find_zone, must_be_seen, publish, see, wait, zone_of
from mailctl.domains.rehearsal import PlannedLookup, Rehearsal, prove_live, rehearse
from mailctl.domains.request import Request, Resolved
from mailctl.domains.verify import verify
from mailctl.domains.wiring import Wiring
from mailctl.domains.zone_plan import WRITES, Action, ZoneChange, ZonePlan, plan_zone, planned_zone
from mailctl.errors import Refused, Undetermined
from mailctl.standards import spf_tree
from mailctl.store.tables import Domain

Say = Callable[[str], None]
Watch = Callable[[Collection[Sighting]], None]
SPF_LOOKUPS = 10  # RFC 7208 §4.6.4
COMING = ("planned", "published")  # states of keys that are to sign next


@dataclass(frozen=True)
class Proposal:
    """Everything that `carry_out` would do, and the proof that it would work."""

    resolved: Resolved
    domain: MailDomain  # with its keys, the new ones too
    zone: str
    new_keys: Mapping[str, bytes]  # selector → private key, PEM; in memory until carried out
    zone_plan: ZonePlan
    by_hand: tuple[ZoneChange, ...]  # what of it a person has to publish
    host_plan: HostPlan | None  # None: the host is left out
    spf_lookups: Mapping[str, int]  # what each SPF record would cost a receiver
    rehearsal: Rehearsal | None  # None: not asked for

    stored: bool  # whether the store says of the domain what was asked for

    @property
    def coming(self) -> frozenset[str]:
        """The selectors that are to sign next."""
        return frozenset(key.selector for key in self.domain.keys if key.state in COMING)

    @property
    def empty(self) -> bool:
        host = self.host_plan is not None and not self.host_plan.empty
        return self.stored and not (self.coming or self.zone_plan.pending or host)

    @property
    def dangers(self) -> tuple[str, ...]:
        host = self.host_plan.dangers if self.host_plan else ()
        return (*(f"{c.name} {c.rdtype}: {c.danger}" for c in self.zone_plan.dangers), *host)


@dataclass(frozen=True)
class Proof:
    """What the DNS shows, and what a receiver makes of a message, after everything was done."""

    report: Report
    rehearsal: Rehearsal

    @property
    def holds(self) -> bool:
        """Whether mail passes and nothing of ours is missing or wrong.

        A PTR or a host name in a zone that others keep is shown, and is not a failure of this setup.
        """
        return self.rehearsal.passed and not any(
            f.severity in (Severity.ERROR, Severity.UNKNOWN) and not f.elsewhere for f in self.report.findings
        )


async def propose(
    w: Wiring, request: Request, *, with_host: bool = True, rotate: bool = False, proven: bool = True
) -> Proposal:
    """Facts and plan. Raises `BadInput` with every reason, `Undetermined` where the zone cannot be found.

    `rotate` makes a new pair of keys although one is active; without `proven` there is no rehearsal.
    """
    resolved = registry.resolve_request(w, request)
    name = resolved.domain.name
    step = rotation.next_step(registry.key_rows(w, name), now=w.now(), overlap=overlap(w), rotate=rotate)
    new_keys = make_keys(w, resolved) if step.step is rotation.Step.CREATE else {}
    domain = registry.with_keys(w, resolved.domain, new_keys)
    zone = await find_zone(w.resolver, name, w.settings.dns.zone)
    sight = await see(domain, w.resolver, w.publisher, zone)
    plan = plan_zone(domain, sight.seen, weaken_dmarc=request.dmarc_policy is not None)
    lookup = PlannedLookup(planned_zone(plan), w.resolver)
    return Proposal(
        resolved=resolved,
        domain=domain,
        zone=zone,
        new_keys=new_keys,
        zone_plan=plan,
        by_hand=tuple(c for c in plan.pending if zone_of(c, zone) in sight.by_hand),
        host_plan=plan_host(w, domain, new_keys) if with_host else None,
        spf_lookups={c.name: (await spf_tree.count(lookup, c.name)).lookups for c in plan.spf},
        rehearsal=await _rehearse(w, domain, new_keys, plan) if proven else None,
        stored=registry.is_remembered(w, resolved),
    )


async def _rehearse(
    w: Wiring, domain: MailDomain, new_keys: Mapping[str, bytes], plan: ZonePlan
) -> Rehearsal:
    """Judge a message that is signed with the keys that are to sign next."""
    states = COMING if any(key.state in COMING for key in domain.keys) else ("active",)
    signers = registry.signers(w, domain, new_keys, states)
    return await rehearse(domain, signers, planned_zone(plan), w.resolver, now=w.now())


def overlap(w: Wiring) -> timedelta:
    return timedelta(days=w.settings.dkim.overlap_days)


def make_keys(w: Wiring, resolved: Resolved) -> dict[str, bytes]:
    """A new pair, in memory: RSA-2048 and Ed25519, or RSA alone where the keys are delegated."""
    name = resolved.domain.name
    used, held = registry.used_selectors(w, name), registry.held_selectors(w, name)
    try:
        pair = rotation.new_selectors(used, held, w.now().date(), delegated=resolved.delegated)
    except ValueError as error:
        raise Refused(
            f"no selector is free for a new key of {name}",
            details=[str(error)],
            hint=f"mailctl dkim list {name} shows them; mailctl dkim retire {name} frees one, after dns.ttl",
        ) from error
    return {
        selector: w.new_key("ed25519" if algorithm == "ed25519" else "rsa")
        for selector, algorithm in pair.items()
    }


def guard(proposal: Proposal, *, force: bool) -> None:
    """Refuse what must not be carried out: every reason at once, nothing changed."""
    name, plan = proposal.domain.name, proposal.zone_plan
    unknown = [f"{c.name} {c.rdtype}: {c.reason}" for c in plan.having(Action.UNKNOWN) if c.zone != ""]
    if unknown:
        raise Undetermined(
            f"the zone of {name} could not be read",
            details=unknown,
            hint="nothing was changed; try again when the name servers answer",
        )
    conflicts = [f"{c.name} {c.rdtype}: {c.reason}" for c in plan.having(Action.CONFLICT)]
    conflicts += [
        f"the SPF record of {owner} would cost a receiver {lookups} lookups, and {SPF_LOOKUPS} are allowed"
        " (RFC 7208 §4.6.4): take an include out"
        for owner, lookups in proposal.spf_lookups.items()
        if lookups > SPF_LOOKUPS
    ]
    if conflicts:
        raise Refused(f"{name} has to be mended by hand first", details=conflicts, hint="nothing was changed")
    if proposal.dangers and not force:
        raise Refused(
            f"the plan for {name} has dangerous changes",
            details=proposal.dangers,
            hint="nothing was changed; if you mean it, say --force",
        )
    if proposal.rehearsal is not None and not proposal.rehearsal.passed:
        raise Refused(
            f"a rehearsal of the plan for {name} did not pass, so carrying it out would not help",
            details=proposal.rehearsal.problems,
            hint=f"nothing was changed; mailctl rehearse {name} shows every verdict",
        )


async def carry_out(w: Wiring, proposal: Proposal, *, wait_seconds: float, say: Say, watch: Watch) -> None:
    """Apply, remember, publish, wait until it is seen, and sign."""
    with registry.remembered(w, proposal.resolved, proposal.new_keys):
        if proposal.host_plan is not None and not proposal.host_plan.empty:
            say("applying the plan to this host")
            apply_host(w, proposal.host_plan)
    await publish_plan(w, proposal, wait_seconds=wait_seconds, say=say, watch=watch)
    activate(w, proposal, say=say)


async def publish_plan(w: Wiring, proposal: Proposal, *, wait_seconds: float, say: Say, watch: Watch) -> None:
    """Put what is pending into the zone, and wait until every authoritative server shows it.

    Keys that are to sign next are waited for even where the zone needs no change: a rerun must not skip the wait.
    """
    pending = proposal.zone_plan.pending
    ours = [change for change in pending if change not in proposal.by_hand]
    if ours and w.publisher is not None:
        say(f"publishing {len(ours)} record sets by {w.publisher.name}")
        await publish(ours, w.publisher, proposal.zone)
    coming = {key.text for key in proposal.domain.keys if key.selector in proposal.coming}
    awaited = [c for c in proposal.zone_plan.changes if c in pending or coming.intersection(c.after)]
    if awaited:
        say(f"waiting for {len(awaited)} record sets at every authoritative server")
        must_be_seen(
            proposal.domain.name,
            await wait(w.resolver, awaited, proposal.zone, seconds=wait_seconds, progress=watch),
        )
        w.resolver.flush()


async def carry_out_dns(
    w: Wiring, proposal: Proposal, *, wait_seconds: float, say: Say, watch: Watch
) -> None:
    """The DNS half alone. New keys are published and seen; they sign after `setup` or `dkim rotate`."""
    registry.remember(w, proposal.resolved, proposal.new_keys)
    await publish_plan(w, proposal, wait_seconds=wait_seconds, say=say, watch=watch)
    registry.published(w, proposal.domain.name, proposal.coming)


async def wait_for_all(
    w: Wiring, proposal: Proposal, *, seconds: float, watch: Watch
) -> tuple[Sighting, ...]:
    """Wait for every record that the domain's zone should have."""
    ours = [
        c for c in proposal.zone_plan.changes if c.zone != ELSEWHERE and c.action in (*WRITES, Action.KEEP)
    ]
    return await wait(w.resolver, ours, proposal.zone, seconds=seconds, progress=watch)


def add_domain(w: Wiring, request: Request) -> Domain:
    """Store a domain and a pair of planned keys, and no more. Raises `Refused` for one that is there already."""
    resolved = registry.resolve_request(w, request)
    if w.store.domains.get(resolved.domain.name) is not None:
        raise Refused(
            f"{resolved.domain.name} is there already", hint=f"mailctl domain show {resolved.domain.name}"
        )
    registry.remember(w, resolved, make_keys(w, resolved))
    return w.store.domains.need(resolved.domain.name)


async def propose_stored(w: Wiring, name: str) -> Proposal:
    """The proposal for a domain that has its keys: `BadInput` for one that was never set up or added."""
    return await propose(w, Request(w.store.domains.need(name).name), with_host=False, proven=False)


def activate(w: Wiring, proposal: Proposal, *, say: Say) -> None:
    """Sign with what was seen: the host's tables first, then the store, so that a rerun repeats both."""
    name = proposal.domain.name
    fresh = [row.selector for row in registry.key_rows(w, name) if row.selector in proposal.coming]
    if not fresh:
        return
    say(f"signing with {', '.join(fresh)}")
    if proposal.host_plan is not None:
        keys = tuple(
            replace(
                k, state="active" if k.selector in fresh else "retiring" if k.state == "active" else k.state
            )
            for k in proposal.domain.keys
        )
        plan = plan_host(w, replace(proposal.domain, keys=keys), {})
        if not plan.empty:
            apply_host(w, plan)
    registry.start_signing(w, name, fresh)


async def prove(w: Wiring, proposal: Proposal) -> Proof:
    """The DNS as it is, and a message judged by it."""
    domain = registry.with_keys(w, proposal.resolved.domain, {})
    report = await verify(domain, w.resolver, proposal.zone)
    signers = registry.signers(w, domain, {}, ("active",))
    return Proof(report, await prove_live(domain, signers, w.resolver, now=w.now()))
