"""Answers kept for as long as the DNS allows, and no more of them than fit."""

import time
from collections import OrderedDict
from collections.abc import Callable

from mailctl.standards.dns import Answer, Raw, Rdata, Txt

Key = tuple[str, str]
LONGEST = 86_400.0  # seconds; RFC 8767 §4 counsels a cap
BYTES = 32 << 20  # of record data in all: one answer may have 64 kB
_OVERHEAD = 500  # bytes that an answer costs besides
FAILURE_TTL = 5.0  # seconds; RFC 9520 §3.2: failures are cached for 1 s to 5 minutes


class Cache:
    """At most `size` answers, and at most `bytes_` of them; the least recently used goes first.

    `clock` counts seconds and never goes back.
    """

    def __init__(
        self, size: int, clock: Callable[[], float] = time.monotonic, *, bytes_: int = BYTES
    ) -> None:
        self._size = size
        self._room = bytes_
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()

    def get(self, key: Key) -> Answer | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        expiry, answer = kept
        if expiry <= self._clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: Key, answer: Answer) -> None:
        # RFC 2308 §5: a negative answer without a SOA has no TTL (0 here) and is not kept.
        seconds = min(float(answer.ttl), LONGEST) if answer.known else FAILURE_TTL
        if seconds <= 0:
            return
        self._drop(key)
        self._kept[key] = (self._clock() + seconds, answer)
        self._room -= _weight(answer)
        while len(self._kept) > self._size or (self._room < 0 and self._kept):
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._room += _weight(kept[1])

    def clear(self) -> None:
        for key in tuple(self._kept):
            self._drop(key)

    def __len__(self) -> int:
        return len(self._kept)


def _weight(answer: Answer) -> int:
    """About the bytes that an answer takes."""
    return _OVERHEAD + sum(_length(record) for record in answer.records)


def _length(record: Rdata) -> int:
    match record:
        case Txt():
            return sum(map(len, record.strings))
        case Raw():
            return len(record.text)
    return _OVERHEAD
