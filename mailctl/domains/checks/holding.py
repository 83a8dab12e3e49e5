"""Which zone holds a domain, for the checks that look at zones and not at names."""

from mailctl.domains.checks.target import Target, Tools
from mailctl.standards.dns import Status
from mailctl.standards.names import is_public_suffix


async def holding_zone(target: Target, tools: Tools) -> str:
    """The zone with the domain's records; "" where it is a registry's, whose faults are not the domain's.

    Raises Undetermined where the DNS does not say.
    """
    servers = await tools.ask(target.name, "NS")
    if servers.status is Status.ANSWER and not servers.chain:
        return target.name
    zone = await tools.dns.zone_cut(target.name)
    return "" if zone != target.name and is_public_suffix(zone) else zone
