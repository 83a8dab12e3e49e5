"""Who else is on this Internet: providers, takers of reports, block lists; others depend on them."""

from tests.zoo.kinds import rsa

# A large provider: includes in includes, keys behind CNAMEs.
PROVIDER = (
    "_spf.bigmail.example. TXT v=spf1 include:_netblocks.bigmail.example include:_netblocks2.bigmail.example "
    "include:_netblocks3.bigmail.example ~all",
    "_netblocks.bigmail.example. TXT v=spf1 ip4:203.0.113.0/25 ~all",
    "_netblocks2.bigmail.example. TXT v=spf1 ip6:2001:db8:4000::/36 ~all",
    "_netblocks3.bigmail.example. TXT v=spf1 ip4:198.51.100.128/25 ~all",
    f"s1-client.dkim.bigmail.example. TXT {rsa(2048)}",
    "policies.bigmail.example. A 203.0.113.6",
    "aspmx.bigmail.example. A 203.0.113.5",
    "aspmx.bigmail.example. AAAA 2001:db8:4000::5",
    "alt1.bigmail.example. A 198.51.100.135",
)
# Who takes reports: one that has agreed to nothing, one that agrees to all, one that writes it with a semicolon.
TAKERS = (
    "reports.example. MX 10 in.reports.example",
    "reports.example. A 203.0.113.80",
    "in.reports.example. A 203.0.113.80",
    "catcher.example. MX 10 in.reports.example",
    "*._report._dmarc.catcher.example. TXT v=DMARC1",
    "semi.example. MX 10 in.reports.example",
    "ok-rua-semicolon.example._report._dmarc.semi.example. TXT v=DMARC1;",
)
# Block lists: one that works, one that lists the world, one that has gone, one that refuses.
LISTS = (
    "2.0.0.127.bl.example. A 127.0.0.2",
    "30.113.0.203.bl.example. A 127.0.0.4",
    "30.113.0.203.bl.example. TXT spam trap",
    "*.all.example. A 127.0.0.2",
    "www.dead.example. A 192.0.2.80",
    "*.no.example. A 127.255.255.254",
)
STRANGERS = (*PROVIDER, *TAKERS, *LISTS)
