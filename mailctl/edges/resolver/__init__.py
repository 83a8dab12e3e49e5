"""Ask the DNS: one multiplexed resolver for a whole process, and its in-memory twin.

Promise: a question in flight is asked once, whoever asks it; answers, also negative ones, are kept for their
TTL. A lookup never raises for what the DNS does: a fault is an `Answer` whose `known` is False, and it comes
within the deadline. Imports no database and no HTTP.
"""

from mailctl.edges.resolver.memory import MemoryResolver
from mailctl.edges.resolver.questions import DnsClient
from mailctl.edges.resolver.resolver import Resolver
from mailctl.edges.resolver.system import system_nameservers

__all__ = ["DnsClient", "MemoryResolver", "Resolver", "system_nameservers"]
