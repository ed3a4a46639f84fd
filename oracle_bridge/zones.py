"""Which zones minted more in their window than they ever might have in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from solders.pubkey import Pubkey

from core.store import audit_figures
from core.store.unit_of_work import Store
from programs.client.accounts import ZoneAccount
from programs.client.addresses import Addresses
from programs.client.rpc import AccountInfo


class Accounts(Protocol):
    """The part of `programs.client.rpc.ChainClient` that shows zones."""

    async def accounts(self, keys: Sequence[Pubkey]) -> list[AccountInfo | None]:
        """Accounts in the order of their keys."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OverCap:
    """A zone that minted more than it might."""

    id: int
    over_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CapChange:
    """An authority set a zone's cap."""

    at: int | None
    """Unix seconds by the chain's clock, when it is known."""
    zone: int
    cap_wh: int
    window_s: int


async def over_cap(store: Store, chain: Accounts, at: Addresses, zones: Sequence[int]) -> list[OverCap]:
    """Those of these zones that minted beyond the highest cap that was in force in their window.

    Raises:
        Unavailable: node or database are away.
    """
    async with store.read() as session:
        told = await audit_figures.zone_changes(session)
    changes = [_change(payload, block_time) for payload, block_time in told]
    accounts = await chain.accounts([at.zone(zone) for zone in zones])
    found = [ZoneAccount.decode(account.data) for account in accounts if account is not None]
    over = {zone.id: zone.minted_in_window_wh - highest_cap_wh(zone, changes) for zone in found}
    return [OverCap(id=zone, over_wh=amount) for zone, amount in over.items() if amount > 0]


def highest_cap_wh(zone: ZoneAccount, changes: Sequence[CapChange]) -> int:
    """The most that a zone's window might let through, Wh: a cap that is lowered takes nothing back.

    Args:
        zone: its account, whose window may have ended: it stands there until the next mint.
        changes: of all zones, oldest first.
    """
    mine = [change for change in changes if change.zone == zone.id]
    if not mine or mine[-1].cap_wh != zone.mint_cap_wh:
        return zone.mint_cap_wh  # no event tells of this cap: nobody knows how long it has been in force
    end_at = zone.window_started_at + max(change.window_s for change in mine)
    before = [change.cap_wh for change in mine if change.at is not None and change.at < zone.window_started_at]
    within = [change.cap_wh for change in mine if change.at is None or zone.window_started_at <= change.at < end_at]
    return max([*before[-1:], *within], default=zone.mint_cap_wh)


class _Changed(msgspec.Struct):
    zone: int
    mint_cap_wh: int | str
    """Text when it is above 2^53."""
    window_s: int | str


def _change(payload: str, block_time: int | None) -> CapChange:
    said = msgspec.json.decode(payload, type=_Changed)
    return CapChange(at=block_time, zone=said.zone, cap_wh=int(said.mint_cap_wh), window_s=int(said.window_s))
