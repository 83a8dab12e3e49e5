"""Answers kept for as long as the DNS allows, and no more of them than fit."""

import time
from collections import OrderedDict
from collections.abc import Callable

from mailctl.standards.dns import Answer

Key = tuple[str, str]
LONGEST = 86_400.0  # seconds; RFC 8767 §4 counsels a cap
FAILURE_TTL = 5.0  # seconds; RFC 9520 §3.2: failures are cached for 1 s to 5 minutes


class Cache:
    """The least recently used answer goes first. `clock` counts seconds and never goes back."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()

    def get(self, key: Key) -> Answer | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        expiry, answer = kept
        if expiry <= self._clock():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: Key, answer: Answer) -> None:
        # RFC 2308 §5: a negative answer without a SOA has no TTL (0 here) and is not kept.
        seconds = min(float(answer.ttl), LONGEST) if answer.known else FAILURE_TTL
        if seconds <= 0:
            return
        self._kept[key] = (self._clock() + seconds, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
