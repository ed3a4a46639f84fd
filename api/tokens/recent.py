"""What the chain said a moment ago, for all who ask at once: one look-up answers everyone for at most a slot's length."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

MAX_AGE_S: Final = 0.4
"""A slot's length: the chain itself has hardly moved since."""
MOST_KEPT: Final = 1_024

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Read(Generic[V]):
    begun: float
    answer: "asyncio.Future[V]"


class RecentReads(Generic[K, V]):
    """Answers that are at most `max_age_s` old, counted from when their look-up began. What fails is not kept.

    Args:
        max_age_s: after it the chain is asked again.
        most: answers kept at once; the oldest gives way.
        now: seconds of a clock that never goes back; the event loop's by default.
    """

    def __init__(self, *, max_age_s: float = MAX_AGE_S, most: int = MOST_KEPT, now: Callable[[], float] | None = None) -> None:
        self._max_age_s = max_age_s
        self._most = most
        self._now = now or _loop_time
        self._reads: dict[K, _Read[V]] = {}

    async def of(self, key: K, look_up: Callable[[], Awaitable[V]]) -> V:
        """The answer for a key: a recent one, the one that is being waited for, or a new one.

        Raises:
            Exception: as `look_up` raises, to all who waited for it.
        """
        while True:
            known = self._reads.get(key)
            if known is None or (known.answer.done() and self._now() - known.begun >= self._max_age_s):
                return await self._look_up(key, look_up)
            if known.answer.done():
                return known.answer.result()
            await asyncio.wait((known.answer,))
            if not known.answer.cancelled():
                return known.answer.result()  # else its caller went away: somebody asks anew

    async def _look_up(self, key: K, look_up: Callable[[], Awaitable[V]]) -> V:
        read = self._keep(key)
        try:
            value = await look_up()
        except Exception as problem:
            self._forget(key, read)
            read.answer.set_exception(problem)
            read.answer.exception()  # told to our own caller too, so it never counts as unheard
            raise
        except BaseException:
            self._forget(key, read)
            read.answer.cancel()
            raise
        read.answer.set_result(value)
        return value

    def _keep(self, key: K) -> _Read[V]:
        self._reads.pop(key, None)  # to the end: the order is that of age
        if len(self._reads) >= self._most:
            del self._reads[next(iter(self._reads))]
        read: _Read[V] = _Read(begun=self._now(), answer=asyncio.get_running_loop().create_future())
        self._reads[key] = read
        return read

    def _forget(self, key: K, read: _Read[V]) -> None:
        if self._reads.get(key) is read:
            del self._reads[key]


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
