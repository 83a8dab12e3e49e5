"""Named points at which a test can have the process die, to prove that what is left can be carried on from.

`MAILCTL_FAILPOINT=upgrade.copied` kills the process (SIGKILL: no clean-up runs) the first time it reaches
that point; `upgrade.step:2` the second time. Unset, a point costs one look at the environment.
"""

import os
import signal
from collections import Counter

_hits: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Die here if MAILCTL_FAILPOINT names this point and it has been reached often enough."""
    wanted, _, hit = os.environ.get("MAILCTL_FAILPOINT", "").partition(":")
    if wanted == name:
        _hits[name] += 1
        if _hits[name] == int(hit or 1):
            os.kill(os.getpid(), signal.SIGKILL)
