"""The world is built once for all tests of this folder (one xdist group); each test gets a bare sender."""

import os
from collections.abc import Iterator

import pytest

from tests.lab.net import Host
from tests.lab.world import World, missing_programs


@pytest.fixture(scope="session")
def shared_world() -> Iterator[World]:
    if os.geteuid():
        pytest.skip("needs root (network namespaces)")
    if missing := missing_programs():
        pytest.skip(f"needs Debian packages (make packages) for {', '.join(missing)}")
    with World() as built:
        yield built


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """The Internet, its zones as they were at first when the next test comes."""
    yield shared_world
    print(shared_world.receiver.host.mail_log())
    shared_world.names.reset()


@pytest.fixture
def sender(world: World) -> Iterator[Host]:
    """mail.sender.example as Debian leaves it: installed, not configured, not running."""
    with world.sender() as host:
        yield host
        print(host.mail_log())  # pytest shows it if the test failed
