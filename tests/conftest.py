"""What tests of every area may take: a real DNS server that accepts updates."""

from collections.abc import Iterator

import pytest

from tests.edges.knot import Knot, knotd, serving


@pytest.fixture
def knot() -> Iterator[Knot]:
    """Knot DNS with the zones client.example and house.example, which the key may update."""
    if knotd() is None:
        pytest.skip("knotd is not installed: apt-get install knot")
    client = [
        '@ 3600 TXT "other" "-verification"',
        '@ 300 TXT "v=spf1 -all"',
        "www 3600 CNAME web.house.example.",
    ]
    with serving({"client.example": client, "house.example": []}) as server:
        yield server
