"""The bridge's parts of `/ready`: the chain, what is deployed there, who pays, and whether settlement moves."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, final

from solders.pubkey import Pubkey

from core.domain.clock import Clock
from core.domain.errors import NotFound
from core.domain.network import network_bytes
from core.runtime.health import Health, HealthReport, Kind
from core.store import work
from core.store.unit_of_work import Store
from programs.client import loader
from programs.client.accounts import EnergyTokenConfig, OracleConfig, RegistryConfig
from programs.client.addresses import Addresses
from programs.client.rpc import ChainClient
from programs.client.signer import Signer

LOWEST_BALANCE_LAMPORTS: Final = 10_000_000
"""A payer with less is about to fail: 0.01 SOL pays for about a thousand transactions."""
STUCK_AFTER_MS: Final = 300_000
"""Due work that nobody takes for this long means that settlement stands still."""
BEHIND_AFTER_S: Final = 60
"""The indexer reads every few seconds: after this it cannot."""
MOST_SKEW_S: Final = 30
"""Readings are judged by this machine's clock and again by the chain's, which allow each other no more than minutes."""
CLOCK_SYSVAR: Final = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
_UNIX_TIME_AT: Final = 32
"""In the clock's account, after slot, epoch start, epoch and leader epoch of 8 bytes each."""


class Reading(Protocol):
    """What indexes the chain's events."""

    @property
    def read_at(self) -> int | None:
        """Unix seconds at which all events there were had been read; None before the first time."""
        ...


@final
class Condition:
    """Answers for the chain's side of the platform.

    Args:
        store: the database.
        chain: the node.
        at: the deployment's addresses.
        attesters: keys that sign readings here.
        payers: keys that pay.
        shipped: each program's bytes as this version ships them; empty compares nothing.
        indexer: tells when it last had read everything; None where nothing is indexed.
        clock: the present.
    """

    def __init__(
        self,
        *,
        store: Store,
        chain: ChainClient,
        at: Addresses,
        attesters: Sequence[Signer],
        payers: Sequence[Signer],
        shipped: Mapping[str, bytes],
        indexer: Reading | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._chain = chain
        self._at = at
        self._attesters = attesters
        self._payers = payers
        self._shipped = shipped
        self._indexer = indexer
        self._clock = clock
        self._deployed: dict[str, tuple[int, bool]] = {}

    def register_chain(self, health: Health, kind: Kind) -> None:
        """Add the checks that need no keys: what an API without a bridge tells too."""
        health.register("chain", self.chain, kind=kind)
        health.register("programs", self.programs, kind=kind)
        health.register("clock", self.clock, essential=False)

    def register_settlement(self, health: Health) -> None:
        """Add the bridge's own; readings are taken and kept while one of them is unwell."""
        health.register("attesters", self.attesters, essential=False)
        health.register("payers", self.payers, essential=False)
        health.register("settlement", self.settlement, essential=False)
        health.register("indexer", self.indexer, essential=False)

    async def chain(self) -> HealthReport:
        """The node answers, and is of the cluster that the programs were set up for."""
        slot, genesis, version, registry = await asyncio.gather(
            self._chain.slot(), self._chain.genesis_hash(), self._chain.version(), self._registry()
        )
        same = registry.network == network_bytes(genesis, bytes(self._at.ids.registry))
        told = "the genesis matches" if same else "ANOTHER CHAIN than the programs were set up for"
        return HealthReport(ok=same, detail=f"slot {slot}, {told}", engine=f"solana-core {version}")

    async def programs(self) -> HealthReport:
        """The deployed bytes are those that this version ships; read as a whole only after a deployment."""
        ids = {"registry": self._at.ids.registry, "oracle": self._at.ids.oracle, "energy_token": self._at.ids.energy_token}
        right = await asyncio.gather(*(self._is_ours(name, program) for name, program in ids.items()))
        wrong = [name for name, is_right in zip(ids, right, strict=True) if not is_right]
        detail = f"other bytes than this version's: {', '.join(wrong)}" if wrong else f"{len(ids)} deployed as shipped"
        return HealthReport(ok=not wrong, detail=detail)

    async def attesters(self) -> HealthReport:
        """The oracle knows our keys, and nobody has paused a step."""
        oracle, token = await self._chain.accounts([self._at.oracle.config, self._at.energy_token.config])
        if oracle is None or token is None:
            raise NotFound("the oracle or the energy token is not set up on this chain")
        config, registry = OracleConfig.decode(oracle.data), await self._registry()
        known = set(config.attesters[: config.attester_count])
        ours = sum(signer.pubkey in known for signer in self._attesters)
        paused = [name for name, steps in (("registry", registry.paused), ("oracle", config.paused)) if steps]
        if not EnergyTokenConfig.decode(token.data).minting_enabled:
            paused.append("minting")
        detail = f"{ours} of {config.attester_count} attesters here, {config.threshold} needed"
        detail += f"; PAUSED: {', '.join(paused)}" if paused else ""
        return HealthReport(ok=ours >= config.threshold > 0 and not paused, detail=detail)

    async def payers(self) -> HealthReport:
        """Nobody who pays fees is about to run dry."""
        lowest = min((await self.balances()).values())
        return HealthReport(ok=lowest >= LOWEST_BALANCE_LAMPORTS, detail=f"the poorest payer has {lowest} lamports")

    async def balances(self) -> dict[str, int]:
        """Lamports of each key that pays, by its role: `attester-1`, `payer-1`; one key in two roles is told once."""
        roles = {
            signer.pubkey: f"{role}-{number}"
            for role, signers in (("payer", self._payers), ("attester", self._attesters))
            for number, signer in enumerate(signers, 1)
        }
        amounts = await asyncio.gather(*(self._chain.balance(key) for key in roles))
        return dict(zip(roles.values(), amounts, strict=True))

    async def settlement(self) -> HealthReport:
        """Unwell when due work is not taken; what waits for an operator is said, but is no fault of the bridge."""
        async with self._store.read() as session:
            states = await work.count_by_state(session)
            due_at_ms = await work.next_due_at_ms(session)
        late_ms = 0 if due_at_ms is None else self._clock.now_ms() - due_at_ms
        detail = f"{states.get(work.DUE, 0)} due, {states.get(work.REVIEW, 0)} in manual review"
        return HealthReport(ok=late_ms < STUCK_AFTER_MS, detail=detail)

    async def indexer(self) -> HealthReport:
        """All events there were have been read a moment ago."""
        read_at = None if self._indexer is None else self._indexer.read_at
        if read_at is None:
            return HealthReport(ok=False, detail="has not read the chain yet")
        age_s = max(0, self._clock.now() - read_at)
        return HealthReport(ok=age_s < BEHIND_AFTER_S, detail=f"read everything {age_s} s ago")

    async def clock(self) -> HealthReport:
        """This machine and the chain agree on the time."""
        skew_s = await self.clock_skew_s()
        return HealthReport(ok=abs(skew_s) <= MOST_SKEW_S, detail=f"{skew_s:+d} s against the chain's clock")

    async def clock_skew_s(self) -> int:
        """This machine's clock less the chain's, seconds; a block is up to a few seconds old, so small numbers say nothing."""
        data = await self._chain.account_start(CLOCK_SYSVAR, _UNIX_TIME_AT + 8)
        if data is None:
            raise NotFound("the chain has no clock")
        return self._clock.now() - int.from_bytes(data[_UNIX_TIME_AT : _UNIX_TIME_AT + 8], "little", signed=True)

    async def _registry(self) -> RegistryConfig:
        account = await self._chain.account(self._at.registry.config)
        if account is None:
            raise NotFound("the registry is not set up on this chain")
        return RegistryConfig.decode(account.data)

    async def _is_ours(self, name: str, program: Pubkey) -> bool:
        address = loader.program_data_address(program)
        head = await self._chain.account_start(address, loader.PROGRAM_DATA_HEADER)
        if head is None:
            return False
        slot = loader.ProgramData.decode(head).slot
        if name not in self._deployed or self._deployed[name][0] != slot:
            account = await self._chain.account(address)
            self._deployed[name] = (slot, account is not None and self._matches(name, account.data))
        return self._deployed[name][1]

    def _matches(self, name: str, data: bytes) -> bool:
        ours = self._shipped.get(name)
        return ours is None or loader.ProgramData.decode(data).runs(ours)
