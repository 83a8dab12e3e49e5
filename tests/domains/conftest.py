"""Worlds for the tests of flows, each with a folder and a store of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.domains.world import World


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def world(**options: Any) -> World:
        made.append(World(tmp_path, **options))
        return made[-1]

    yield world
    for one in made:
        one.store.close()


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()
