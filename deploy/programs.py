"""Bringing the programs to a cluster: checks before anything is spent, then code, then settings, then a look at all of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from solders.hash import Hash
from solders.pubkey import Pubkey

from core.domain.errors import Conflict
from deploy.keys import KeyFolder
from programs.client.addresses import addresses_of
from programs.client.bootstrap import AuthorityKeys, TokenFace, initialise, require_no_conflict
from programs.client.confirmation import Expired
from programs.client.deployment import (
    PROGRAM_NAMES,
    Deployer,
    DeployerKeys,
    Estimate,
    Finding,
    Leftover,
    ProgramSurvey,
    Step,
    close_buffers,
    committed_builds,
    estimate,
    leftover_buffers,
    require_balance,
    survey,
    verify,
)
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient
from programs.client.signer import Signer

CLUSTERS: Final = {
    "mainnet-beta": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
    "testnet": "4uhcVJyU9pJkvQyS88uRDiswHXSCkQY3zQwmwmpk7fA1",
    "devnet": "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
}
"""Genesis hashes of the public clusters, from Solana's documentation."""
SET_UP_TRIES: Final = 5


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an operator asks for."""

    programs: Sequence[str] = PROGRAM_NAMES
    may_upgrade: bool = False
    closes_buffers: bool = False
    genesis: str | None = None
    """A genesis hash or a public cluster's name; the chain must be that one."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be done and what it costs."""

    surveys: Sequence[ProgramSurvey]
    sets_up: bool
    leftovers: Sequence[Leftover]
    cost: Estimate
    payer: Pubkey
    balance: int
    """The payer's lamports."""
    genesis: str

    def require_balance(self) -> None:
        """Refuse to begin what the payer cannot finish.

        Raises:
            InvalidInput: it has too little; the sentence says how much is missing.
        """
        if not self.is_empty:
            require_balance(self.balance + sum(row.lamports for row in self.leftovers), self.cost, self.payer)

    @property
    def is_empty(self) -> bool:
        """Whether all of it is done already."""
        return not self.sets_up and not self.leftovers and all(seen.next_step is Step.NOTHING for seen in self.surveys)


class Deployment:
    """One operator's deployment on one chain.

    Args:
        chain: where to.
        folder: the authorities' keys.
        payer: pays; `None` is the folder's first payer.
        token: what wallets show.
        order: what is asked for.
    """

    def __init__(self, chain: ChainClient, folder: KeyFolder, payer: Signer | None, token: TokenFace, order: Order) -> None:
        self._chain = chain
        keys = folder.authorities()
        self._keys: AuthorityKeys = keys if payer is None else replace(keys, payers=(payer, *keys.payers))
        self._programs = folder.programs()
        self._token = token
        self._order = order
        self._builds = committed_builds(order.programs)

    async def plan(self) -> Plan:
        """Look at everything and refuse what cannot succeed; nothing is sent.

        Raises:
            Conflict: another cluster, another authority, another deployment, or an upgrade that was not asked for.
            InvalidInput: a key is missing.
        """
        genesis = await self._require_cluster()
        surveys = await survey(self._chain, self._builds, self._keys.upgrade.pubkey)
        self._deployer().require_possible(surveys, may_upgrade=self._order.may_upgrade)
        await require_no_conflict(self._chain, self._keys)
        sets_up = not await self._is_set_up() and await self._will_be_complete()
        payer = self._keys.payers[0].pubkey
        cost = await estimate(self._chain, surveys, payer=payer, authority=self._keys.upgrade.pubkey, sets_up=sets_up)
        balance = await self._chain.balance(payer)
        leftovers = await self._leftovers(surveys)
        return Plan(
            surveys=surveys, sets_up=sets_up, leftovers=leftovers, cost=cost, payer=payer, balance=balance, genesis=genesis
        )

    async def run(self, plan: Plan, tell: Callable[[str, Step, float], None]) -> None:
        """Do it; interrupted anywhere, the next `plan` holds what is left.

        Raises:
            TransactionRefused: a step was refused again and again.
            Unavailable: the chain does not answer or move.
        """
        plan.require_balance()
        if plan.leftovers:
            await close_buffers(self._chain, plan.leftovers, self._keys.payers[0], self._keys.upgrade)
        await self._deployer(tell).run(self._builds)
        if plan.sets_up:
            await self._set_up()

    async def findings(self) -> list[Finding]:
        """Compare the whole chain's state with the builds, their authorities and their settings."""
        return await verify(
            self._chain, committed_builds(), addresses_of(PROGRAM_IDS), upgrade_authority=self._keys.upgrade.pubkey
        )

    def _deployer(self, tell: Callable[[str, Step, float], None] | None = None) -> Deployer:
        keys = DeployerKeys(payer=self._keys.payers[0], authority=self._keys.upgrade, programs=self._programs)
        return Deployer(self._chain, keys, tell or _say_nothing)

    async def _require_cluster(self) -> str:
        found = str(Hash(await self._chain.genesis_hash()))
        wanted = self._order.genesis
        if wanted is not None and CLUSTERS.get(wanted, wanted) != found:
            raise Conflict(f"this chain's genesis hash is {found}, not that of {wanted}: it is another cluster")
        return found

    async def _is_set_up(self) -> bool:
        at = addresses_of(PROGRAM_IDS)
        configs = (at.registry.config, at.oracle.config, at.energy_token.config, at.zone(1))
        return None not in await self._chain.accounts(configs)

    async def _will_be_complete(self) -> bool:
        """Settings need all three programs; whoever brings one alone may come before the others."""
        rest = [name for name in PROGRAM_NAMES if name not in self._order.programs]
        return None not in await self._chain.accounts([getattr(PROGRAM_IDS, name) for name in rest])

    async def _leftovers(self, surveys: Sequence[ProgramSurvey]) -> list[Leftover]:
        """Buffers of no use for what is planned."""
        if not self._order.closes_buffers:
            return []
        in_use = {seen.buffer_address for seen in surveys if seen.next_step is not Step.NOTHING}
        found = await leftover_buffers(self._chain, self._builds, self._keys.upgrade.pubkey)
        return [row for row in found if row.address not in in_use]

    async def _set_up(self) -> None:
        for attempt in range(1, SET_UP_TRIES + 1):
            try:
                await initialise(self._chain, self._keys, token=self._token)
            except Expired:
                if attempt == SET_UP_TRIES:
                    raise
            else:
                return


def _say_nothing(program: str, step: Step, share: float) -> None:
    del program, step, share
