"""The zoo: all its domains."""

from tests.zoo.healthy_domains import HEALTHY
from tests.zoo.host_domains import BLOCK_LISTS, MAIL, NAMES, ZONES
from tests.zoo.key_domains import DKIM
from tests.zoo.kinds import Animal
from tests.zoo.policy_domains import DMARC
from tests.zoo.spf_domains import SPF
from tests.zoo.transport_domains import BIMI, DANE, MTA_STS, TLS, TLS_RPT

__all__ = ["HEALTHY", "PLANTED", "ZOO"]
PLANTED: tuple[Animal, ...] = (
    *SPF, *DKIM, *DMARC, *MAIL, *NAMES, *BLOCK_LISTS, *ZONES, *MTA_STS, *TLS_RPT, *DANE, *BIMI, *TLS,
)  # fmt: skip
ZOO: tuple[Animal, ...] = (*PLANTED, *HEALTHY)
