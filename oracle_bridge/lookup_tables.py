"""Address lookup tables for about 120 meters each: two addresses a meter shrink from 64 bytes to 2.

The database remembers the tables' addresses before they are created; what a table contains is always read from the chain.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from core.domain.clock import Clock
from core.runtime.logging import get_logger
from core.store import lookup_tables as rows
from core.store.lookup_tables import TabledMeter
from core.store.unit_of_work import Store
from programs.client.addresses import INSTRUCTIONS_SYSVAR, Addresses
from programs.client.confirmation import send_confirmed
from programs.client.instructions import lookup_table, token2022
from programs.client.rpc import ChainClient
from programs.client.signer import Signer

METERS_PER_TABLE: Final = 118
"""Two addresses each; the rest of 256 is for what all transactions share, and for zones."""
LAST_EXTENDED_SLOT_AT: Final = 12
START_INDEX_AT: Final = 20
"""Where a table's account keeps the slot of its last extension, and the first address added in it."""
LOOK_EVERY_S: Final = 0.1

_log = get_logger(__name__)


class LookupTables:
    """Keeps tables for all meters.

    Args:
        store: the database.
        chain: the node.
        payer: owns the tables and pays for them.
        at: the deployment's addresses.
        clock: the present.
        may_change: whether this bridge makes and fills tables now; another one does otherwise, and this one only reads them.
    """

    def __init__(
        self,
        *,
        store: Store,
        chain: ChainClient,
        payer: Signer,
        at: Addresses,
        clock: Clock,
        may_change: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._store = store
        self._chain = chain
        self._payer = payer
        self._at = at
        self._clock = clock
        self._may_change = may_change or _alone
        self.active: dict[str, AddressLookupTableAccount] = {}
        """Tables with those of their addresses that transactions may use now; read by the composer."""
        self.housed: frozenset[str] = frozenset()
        """Meters whose accounts lie in a table."""
        self._turn = asyncio.Lock()

    async def ensure(self) -> None:
        """Give every meter a place in a table, and wait until it counts. Costs one look when nothing is missing.

        Raises:
            Unavailable: the node is away; call again.
            TransactionRefused: the payer cannot pay, for example.
        """
        async with self._turn:
            await self._ensure()

    async def _ensure(self) -> None:
        missing = await self._read()
        may_change = await self._may_change()
        if may_change:
            await self._forget(missing)
        async with self._store.read() as session:
            meters = await rows.meters(session)
        if may_change:
            meters = await self._house(meters)
        self.housed = frozenset(meter.meter_id for meter in meters)

    async def _house(self, meters: list[TabledMeter]) -> list[TabledMeter]:
        """Complete the tables, and give those a place that have none; returns the meters with their tables."""
        housed: dict[str, list[TabledMeter]] = {address: [] for address in self.active}
        homeless: list[TabledMeter] = []
        for meter in meters:
            (homeless if meter.address is None else housed.get(meter.address, homeless)).append(meter)
        for address, theirs in housed.items():
            await self._complete(address, theirs)
        if not homeless:
            return meters
        while homeless:
            address = _roomy_table(housed) or await self._create()
            neighbours = housed.setdefault(address, [])
            room = METERS_PER_TABLE - len(neighbours)
            moved, homeless = homeless[:room], homeless[room:]
            await self._complete(address, moved)
            await self._assign(moved, address)
            neighbours += moved
        async with self._store.read() as session:
            return await rows.meters(session)

    async def _read(self) -> list[str]:
        """Load all tables from the chain; returns the addresses at which there is none."""
        async with self._store.read() as session:
            known = await rows.addresses(session, str(self._payer.pubkey))
        slot = await self._chain.slot("confirmed")
        accounts = await self._chain.accounts([Pubkey.from_string(address) for address in known])
        missing: list[str] = []
        for address, account in zip(known, accounts, strict=True):
            if account is None:
                self.active.pop(address, None)
                missing.append(address)
            else:
                self.active[address] = usable(Pubkey.from_string(address), account.data, slot)
        return missing

    async def _forget(self, missing: Sequence[str]) -> None:
        """Tables that never came to be; the bridge that writes their addresses down alone knows that they are not coming."""
        for address in missing:
            async with self._store.begin() as session:
                await rows.forget(session, address)

    async def _create(self) -> str:
        owner = self._payer.pubkey
        # a rooted slot is never a skipped one; a chain that has none yet has skipped none either
        recent_slot = await self._chain.slot("finalized") or await self._chain.slot("confirmed")
        instruction, key = lookup_table.create(owner, owner, recent_slot)
        async with self._store.begin() as session:
            await rows.add(
                session,
                address=str(key),
                authority=str(owner),
                recent_slot=recent_slot,
                now_ms=self._clock.now_ms(),
            )
        await send_confirmed(self._chain, self._payer, [instruction])
        self.active[str(key)] = AddressLookupTableAccount(key=key, addresses=[])
        _log.info("lookup_table_created", table=str(key))
        return str(key)

    async def _complete(self, address: str, meters: Sequence[TabledMeter]) -> None:
        """Add what is missing of these meters' addresses, and wait until the last of them counts."""
        present = set(self.active[address].addresses)
        missing = [key for key in dict.fromkeys(self._addresses(meters)) if key not in present]
        if not missing:
            return
        key, owner = Pubkey.from_string(address), self._payer.pubkey
        step = lookup_table.MAX_ADDRESSES_AN_EXTENSION
        parts = [missing[start : start + step] for start in range(0, len(missing), step)]
        extensions = (lookup_table.extend(key, owner, owner, part) for part in parts)
        sent = (send_confirmed(self._chain, self._payer, [extension]) for extension in extensions)
        for end in await asyncio.gather(*sent, return_exceptions=True):  # in any order: a table knows no other than its own
            if isinstance(end, BaseException):
                raise end
        await self._wait_until_usable(key, len(present) + len(missing))

    async def _wait_until_usable(self, key: Pubkey, count: int) -> None:
        while len(self.active[str(key)].addresses) < count:
            slot = await self._chain.slot("confirmed")
            (account,) = await self._chain.accounts([key])
            if account is not None:
                self.active[str(key)] = usable(key, account.data, slot)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _assign(self, meters: Sequence[TabledMeter], address: str) -> None:
        async with self._store.begin() as session:
            await rows.assign(session, [meter.meter_id for meter in meters], address)

    def _addresses(self, meters: Sequence[TabledMeter]) -> list[Pubkey]:
        zones = [self._at.zone(zone) for zone in sorted({meter.zone for meter in meters})]
        own = [key for meter in meters for key in (self._at.meter(meter.meter_id), Pubkey.from_string(meter.token_account))]
        return [*shared_addresses(self._at), *zones, *own]


async def _alone() -> bool:
    """There is no other bridge."""
    return True


def _roomy_table(housed: Mapping[str, Sequence[TabledMeter]]) -> str | None:
    return next((address for address, meters in housed.items() if len(meters) < METERS_PER_TABLE), None)


def shared_addresses(at: Addresses) -> list[Pubkey]:
    """What every settlement names beside its meters and zones."""
    return [
        at.oracle.config,
        at.roots,
        at.oracle.event_authority,
        at.oracle.authority,
        INSTRUCTIONS_SYSVAR,
        at.registry.id,
        at.registry.config,
        at.registry.event_authority,
        at.registry.authority,
        at.energy_token.id,
        at.energy_token.config,
        at.mint,
        at.energy_token.event_authority,
        token2022.PROGRAM,
    ]


def usable(key: Pubkey, data: bytes, slot: int) -> AddressLookupTableAccount:
    """A table with those addresses that count at `slot`: addresses added in a slot count from the next one on."""
    table = lookup_table.decode(key, data)
    extended = int.from_bytes(data[LAST_EXTENDED_SLOT_AT : LAST_EXTENDED_SLOT_AT + 8], "little")
    if slot > extended:
        return table
    return AddressLookupTableAccount(key=key, addresses=list(table.addresses)[: data[START_INDEX_AT]])
