"""Defect 38 and its kin: a node that prunes, shortens, mixes up or contradicts its past moves no cursor past a hole."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from solders.pubkey import Pubkey

from core.domain.errors import Unavailable
from core.store.ledger_rows import Cursor
from oracle_bridge.history import unread
from programs.client.rpc import SignatureInfo

PROGRAM = Pubkey.from_bytes(bytes([3]) * 32)
PAGE = 4


def past(*slots: int) -> list[SignatureInfo]:
    """Transactions `t1`, `t2` … in these slots, newest first."""
    return [SignatureInfo(f"t{number}", slot, None, None) for number, slot in enumerate(slots, start=1)][::-1]


@dataclass
class Node:
    """Tells this past, as badly as it is told to."""

    rows: list[SignatureInfo]
    longest_page: int = PAGE
    forgets_before: str | None = None
    ignores_before: bool = False
    hides: set[str] = field(default_factory=set[str])

    async def signatures_for(
        self, address: Pubkey, *, before: str | None = None, until: str | None = None, limit: int = 1_000
    ) -> list[SignatureInfo]:
        del address
        names = [row.signature for row in self.rows]
        start = 0 if before is None or self.ignores_before else names.index(before) + 1
        end = names.index(until) if until in names else len(names)
        if self.forgets_before is not None:
            end = min(end, names.index(self.forgets_before) + 1)
        shown = [row for row in self.rows[start:end] if row.signature not in self.hides]
        return shown[: min(limit, self.longest_page)]


async def read(node: Node, cursor: Cursor | None = None) -> list[str]:
    cursors = {} if cursor is None else {"registry": cursor}
    return [one.info.signature async for news in unread(node, {"registry": PROGRAM}, cursors, page=PAGE) for one in news]


def at(name: str, slot: int) -> Cursor:
    return Cursor(program="registry", signature=name, slot=slot)


@pytest.mark.parametrize("longest_page", [1, 2, 3, 4])
async def test_pages_of_any_length_tell_everything_oldest_first(longest_page: int):
    node = Node(past(1, 1, 2, 3, 3, 3, 4, 5, 6), longest_page=longest_page)

    assert await read(node) == [f"t{number}" for number in range(1, 10)]
    assert await read(node, at("t4", 3)) == [f"t{number}" for number in range(5, 10)]
    assert await read(node, at("t9", 6)) == []


async def test_a_past_pruned_behind_the_cursor_is_refused():
    node = Node(past(1, 2, 3, 4, 5, 6, 7, 8, 9), forgets_before="t6")

    with pytest.raises(Unavailable, match=r"does not tell what happened .* between t3, which was read last, and t6"):
        await read(node, at("t3", 3))


async def test_an_empty_page_on_the_way_is_no_end():
    node = Node(past(1, 2, 3, 4, 5, 6, 7, 8, 9), hides={"t1", "t2", "t3", "t4", "t5"})

    with pytest.raises(Unavailable, match="does not tell"):
        await read(node, at("t1", 1))


async def test_a_node_that_begins_each_page_anew_is_refused():
    with pytest.raises(Unavailable, match="in a wrong order"):
        await read(Node(past(1, 1, 1, 1, 1, 1, 1, 1), ignores_before=True))


async def test_a_past_that_runs_backwards_is_refused():
    rows = past(1, 2, 3)
    with pytest.raises(Unavailable, match="in a wrong order"):
        await read(Node(rows[::-1]))


async def test_a_node_that_contradicts_itself_when_asked_again_is_refused():
    class Forgetful(Node):
        asked: Sequence[int] = ()

        async def signatures_for(
            self, address: Pubkey, *, before: str | None = None, until: str | None = None, limit: int = 1_000
        ) -> list[SignatureInfo]:
            self.asked = (*self.asked, 1)
            rows = await super().signatures_for(address, before=before, until=until, limit=limit)
            return rows[:-1] if len(self.asked) > 4 and len(rows) == PAGE else rows

    with pytest.raises(Unavailable, match="differently when asked again"):
        await read(Forgetful(past(*range(1, 11))))


async def test_a_cursor_that_the_chain_rolled_back_is_passed_without_a_hole():
    node = Node(past(1, 2, 3, 5, 6))

    assert await read(node, at("gone", 4)) == ["t2", "t3", "t4", "t5"]
