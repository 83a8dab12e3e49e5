"""What the tests of the standards share: the public test suites, a DNS in memory, repeatable properties.

The suites are third-party data beside the repository (MAILCTL_SHARED, or ../shared); where they are
absent, their tests are skipped with that reason. A test that takes `suite_case` runs once for each
(id, case) that its module's `suite_cases(folder)` yields.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from mailctl.standards.dns import Answer, Lookup, Rdata, Status

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")

Zone = Mapping[str, Mapping[str, "Iterable[Rdata] | Status"]]


def suites_folder() -> Path:
    """Where the public suites are, whether they are there or not."""
    beside = Path(__file__).parents[2].parent / "shared"
    return Path(os.environ.get("MAILCTL_SHARED", beside)) / "suites"


def absence() -> str:
    return f"the public test suites are not at {suites_folder()} (MAILCTL_SHARED names their parent)"


@pytest.fixture(scope="session")
def shared_suites() -> Path:
    """The folder of the public suites; skips where it is absent."""
    if not suites_folder().is_dir():
        pytest.skip(absence())
    return suites_folder()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "suite_case" not in metafunc.fixturenames:
        return
    if not suites_folder().is_dir():
        missing = pytest.param(None, id="absent", marks=pytest.mark.skip(reason=absence()))
        metafunc.parametrize("suite_case", [missing])
        return
    cases: Iterable[tuple[str, object]] = metafunc.module.suite_cases(suites_folder())
    metafunc.parametrize("suite_case", [pytest.param(case, id=name) for name, case in cases])


@pytest.fixture
def make_lookup() -> Callable[[Zone], Lookup]:
    """Makes a `Lookup` from {name: {type: records, or a Status that is a fault}}."""

    def make(zone: Zone) -> Lookup:
        async def lookup(name: str, rdtype: str) -> Answer:
            here = zone.get(name)
            if here is None:
                return Answer(name, rdtype, Status.NXDOMAIN)
            found = here.get(rdtype, ())
            if isinstance(found, Status):
                return Answer(name, rdtype, found)
            records = tuple(found)
            return Answer(name, rdtype, Status.ANSWER if records else Status.NODATA, records)

        return lookup

    return make
