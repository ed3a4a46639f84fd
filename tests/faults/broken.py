"""Bridges that are wrong in one way each: a harness that lets one pass is worth nothing."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from itertools import count
from typing import Any, Final

from core.store import Session, Store
from core.store.outbox import OpenTransaction
from oracle_bridge.outbox import Outbox
from oracle_bridge.submitter import Submitter

FORGETS_EVERY: Final = 4


class Breakage(StrEnum):
    """What is wrong."""

    SIGNS_AGAIN = "signs again without waiting for the end of the first transaction"
    LEAVES_DRAFTS = "never gives back what a dead bridge had drafted"
    FORGETS = "calls a transaction of the database committed that was rolled back"


def break_it(breakage: Breakage) -> None:
    """Break this process's bridge."""
    match breakage:
        case Breakage.SIGNS_AGAIN:
            Submitter._look_after_unseen = _bury_at_once
        case Breakage.LEAVES_DRAFTS:
            Outbox.withdrawn = _leave
        case Breakage.FORGETS:
            Store.begin = _forgetful(Store.begin)


async def _bury_at_once(self: Submitter, unseen: Sequence[tuple[OpenTransaction, str]]) -> int:
    for row, _ in unseen:
        await self._end(row, "expired", "nobody has seen it")
    return len(unseen)


async def _leave(self: Outbox, *_: Any, **__: Any) -> None:
    del self


def _forgetful(begin: Any) -> Any:
    turns = count(1)

    @asynccontextmanager
    async def begin_in_vain(self: Store) -> AsyncGenerator[Session]:
        async with begin(self) as session:
            yield session
            if next(turns) % FORGETS_EVERY == 0:
                await session.rollback()

    return begin_in_vain
