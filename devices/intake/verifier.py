"""Signatures, checked in a few threads: libsodium lets go of the interpreter while it works."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from devices.frame import UnverifiedFrame, VerifiedStatement, verify

AT_ONCE: Final = 4
"""So few checks take less time than waking a thread and waiting for it."""
SHARE: Final = 64
"""Checks that one thread does before it hands over: some 4 ms."""


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """A frame, and the keys that count for it."""

    frame: UnverifiedFrame
    public_keys: tuple[bytes, ...]


class SignatureVerifier:
    """A small pool of threads.

    Args:
        threads: how many signatures are checked side by side.
    """

    def __init__(self, *, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="signatures")

    async def verify(self, checks: Sequence[SignatureCheck]) -> AsyncGenerator[list[VerifiedStatement | None]]:
        """For each check, in order, the verified statement, or None when no counting key made the signature.

        They come in shares, so that the first are judged while the last are checked.
        """
        if len(checks) <= AT_ONCE:
            yield _verify_all(checks)
            return
        loop = asyncio.get_running_loop()
        shares = [checks[start : start + SHARE] for start in range(0, len(checks), SHARE)]
        for share in [loop.run_in_executor(self._pool, _verify_all, share) for share in shares]:
            yield await share

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _verify_all(checks: Sequence[SignatureCheck]) -> list[VerifiedStatement | None]:
    return [verify(check.frame, check.public_keys) for check in checks]
