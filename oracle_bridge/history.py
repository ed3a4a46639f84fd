"""An address's past, oldest first and in pages, though a node tells it newest first and may tell it badly.

What a node leaves out is never skipped: the past must reach back, without a hole, to where it was read before.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Protocol

from solders.pubkey import Pubkey

from core.domain.errors import Unavailable
from core.store.ledger_rows import Cursor
from programs.client.rpc import SignatureInfo

PAGE: Final = 1_000
"""Most signatures that a node gives in one answer."""


class Signatures(Protocol):
    """The part of `programs.client.rpc.ChainClient` that lists what happened."""

    async def signatures_for(
        self, address: Pubkey, *, before: str | None = None, until: str | None = None, limit: int = 1_000
    ) -> list[SignatureInfo]:
        """The history of an address, newest first."""
        ...


@dataclass(slots=True)
class News:
    """A transaction not read yet, and the programs whose cursors it moves."""

    info: SignatureInfo
    programs: list[str] = field(default_factory=list[str])


async def unread(
    chain: Signatures, programs: Mapping[str, Pubkey], cursors: Mapping[str, Cursor], *, page: int = PAGE
) -> AsyncGenerator[list[News]]:
    """What happened to programs since their cursors, oldest first, each transaction once; every step is one slot.

    Memory holds a page for each program and one signature for each page that lies ahead.

    Args:
        chain: the node.
        programs: addresses by name; where transactions of one slot are told apart, the first program's order counts.
        cursors: what was read last of each program; what has none is read from its first transaction on.
        page: most signatures of one answer.

    Raises:
        Unavailable: the node is away, or its past has a hole or contradicts itself; nothing behind that was yielded.
    """
    pasts = {name: await Past.since(chain, address, cursors.get(name), page=page) for name, address in programs.items()}
    while slots := [slot for past in pasts.values() if (slot := await past.next_slot()) is not None]:
        together: dict[str, News] = {}
        for name, past in pasts.items():
            for info in await past.take(min(slots)):
                together.setdefault(info.signature, News(info)).programs.append(name)
        yield list(together.values())


class Past:
    """One address's transactions behind a cursor. Made by `since`, which sees that the whole way back is there."""

    def __init__(self, chain: Signatures, address: Pubkey, cursor: Cursor | None, page: int) -> None:
        self._chain = chain
        self._address = address
        self._cursor = cursor
        self._page = page
        self._ahead: list[tuple[str | None, str]] = []
        """Pages not read yet, the oldest last: what each begins behind, and its last signature."""
        self._held: list[SignatureInfo] = []
        """The page at hand, newest first."""

    @classmethod
    async def since(cls, chain: Signatures, address: Pubkey, cursor: Cursor | None, *, page: int = PAGE) -> "Past":
        """Walk back to the cursor, or to the very first transaction without one.

        Raises:
            Unavailable: the node does not tell the whole way.
        """
        past = cls(chain, address, cursor, page)
        await past._walk()
        return past

    async def next_slot(self) -> int | None:
        """The slot of the oldest transaction not taken; None when all were taken."""
        if not self._held and self._ahead:
            self._held = await self._again(*self._ahead.pop())
        return self._held[-1].slot if self._held else None

    async def take(self, slot: int) -> list[SignatureInfo]:
        """Take all transactions of a slot, which is the oldest left or none of this past's, oldest first."""
        taken: list[SignatureInfo] = []
        while await self.next_slot() == slot:
            taken.append(self._held.pop())
        return taken

    async def _walk(self) -> None:
        before: str | None = None
        while rows := await self._ask(before, newest=self._held[-1] if self._held else None):
            self._ahead.append((before, rows[-1].signature))
            self._held, before = rows, rows[-1].signature
            if self._is_past_the_cursor(rows):
                break
            if len(rows) < self._page and await self._is_the_end(before):
                break
        else:
            if before is not None and not await self._is_the_end(before):
                raise Unavailable(self._hole(before))
        if self._ahead:
            self._ahead.pop()  # the oldest page is at hand

    async def _ask(self, before: str | None, newest: SignatureInfo | None) -> list[SignatureInfo]:
        until = None if self._cursor is None else self._cursor.signature
        rows = await self._chain.signatures_for(self._address, before=before, until=until, limit=self._page)
        line = rows if newest is None else [newest, *rows]
        if any(older.slot > newer.slot for newer, older in pairwise(line)) or before in _names(rows):
            raise Unavailable(f"the chain's node tells the past of {self._address} in a wrong order")
        return rows

    def _is_past_the_cursor(self, rows: Sequence[SignatureInfo]) -> bool:
        """A transaction before the cursor's slot: the chain has rolled the cursor's own back, and nothing was left out."""
        return self._cursor is not None and rows[-1].slot < self._cursor.slot

    async def _is_the_end(self, last: str) -> bool:
        """Whether nothing, or the cursor itself, comes before the last one told: a short page alone does not say so."""
        rows = await self._chain.signatures_for(self._address, before=last, limit=1)
        if self._cursor is None:
            return not rows
        return _names(rows) == [self._cursor.signature]

    async def _again(self, before: str | None, last: str) -> list[SignatureInfo]:
        rows = await self._ask(before, newest=None)
        if last not in _names(rows):
            raise Unavailable(f"the chain's node tells the past of {self._address} differently when asked again")
        return rows[: _names(rows).index(last) + 1]

    def _hole(self, last: str) -> str:
        known = "its beginning" if self._cursor is None else f"{self._cursor.signature}, which was read last"
        return (
            f"the chain's node does not tell what happened to {self._address} between {known}, and {last}:"
            " ask a node that keeps the whole history"
        )


def _names(rows: Sequence[SignatureInfo]) -> list[str]:
    return [row.signature for row in rows]
