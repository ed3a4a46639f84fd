"""Power cuts at chosen moments: before or after any database transaction or sending of a bridge."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from core.store import Session, Store
from tests.support.fake_chain import FakeChain


class PowerCut(Exception):  # noqa: N818  # named after what happens
    """The process ends here."""


@dataclass
class Fuse:
    """Burns through at the n-th moment; then every further moment fails too, as a dead process would."""

    left: int
    burnt: bool = False

    def moment(self) -> None:
        if self.left <= 0:
            self.burnt = True
            raise PowerCut
        self.left -= 1


class CrashingStore:
    """A store whose process may die before or after each commit."""

    def __init__(self, store: Store, fuse: Fuse) -> None:
        self._store = store
        self._fuse = fuse

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Session]:
        self._fuse.moment()
        async with self._store.begin() as session:
            yield session
        self._fuse.moment()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class CrashingChain:
    """A chain to which the process may die before or after each sending."""

    def __init__(self, chain: FakeChain, fuse: Fuse) -> None:
        self._chain = chain
        self._fuse = fuse

    async def send(self, wire: bytes, *, skip_preflight: bool = False, max_retries: int = 0) -> str:
        self._fuse.moment()
        signature = await self._chain.send(wire, skip_preflight=skip_preflight, max_retries=max_retries)
        self._fuse.moment()
        return signature

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)
