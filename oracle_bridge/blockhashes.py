"""One recent blockhash for many transactions."""

import asyncio
from typing import Final

from solders.hash import Hash

from core.domain.clock import Clock
from oracle_bridge.ports import Chain

SERVES_FOR_MS: Final = 2_000
"""Young enough that a transaction lives for nearly the hash's whole minute."""


class Blockhashes:
    """Asks the chain at most every two seconds.

    Args:
        chain: the node.
        clock: the present.
    """

    def __init__(self, chain: Chain, clock: Clock) -> None:
        self._chain = chain
        self._clock = clock
        self._turn = asyncio.Lock()
        self._held: tuple[Hash, int] | None = None
        self._taken_at_ms = 0

    async def recent(self) -> tuple[Hash, int]:
        """A blockhash and the last block height at which it is valid."""
        async with self._turn:
            now_ms = self._clock.now_ms()
            if self._held is None or not 0 <= now_ms - self._taken_at_ms < SERVES_FOR_MS:
                self._held, self._taken_at_ms = await self._chain.latest_blockhash("confirmed"), now_ms
            return self._held
