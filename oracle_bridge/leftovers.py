"""Settles what earlier settlements left: owed consumption once there are tokens, unsettled production once it can be minted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from solders.pubkey import Pubkey

from core.domain.clock import Clock
from core.domain.errors import InvalidInput
from core.domain.ledger import Ledger, burnable_wh
from core.domain.readings import ProofKind
from core.store import ledger_rows
from core.store.ledger_rows import LedgerView
from core.store.unit_of_work import Store
from core.store.work import DueMeter
from oracle_bridge.submitter import Submitter
from programs.client.addresses import Addresses
from programs.client.instructions.token2022 import TokenAccount
from programs.client.rpc import AccountInfo

SWEEP_EVERY_S: Final = 30.0
FIRST_PAUSE_MS: Final = 60_000
LONGEST_PAUSE_MS: Final = 3_600_000
"""A meter that moved nothing is tried less and less often: somebody's closed account must not cost fees for ever."""


class Accounts(Protocol):
    """Reads accounts."""

    async def accounts(self, keys: Sequence[Pubkey]) -> list[AccountInfo | None]:
        """Accounts in the order of their keys."""
        ...


@dataclass(frozen=True, slots=True)
class _Pause:
    delta_wh: int
    until_ms: int
    length_ms: int


class Leftovers:
    """The sweep.

    Args:
        submitter: drafts and sends.
        store: the database.
        chain: reads token accounts.
        at: the deployment's addresses.
        clock: the present.
        room: most transactions a sweep.
    """

    def __init__(self, *, submitter: Submitter, store: Store, chain: Accounts, at: Addresses, clock: Clock, room: int) -> None:
        self._submitter = submitter
        self._store = store
        self._chain = chain
        self._at = at
        self._clock = clock
        self._room = room
        self._pauses: dict[str, _Pause] = {}

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            await self.sweep()

    async def sweep(self) -> int:
        """Settle what can move now; returns how many transactions were sent."""
        async with self._store.read() as session:
            views = await ledger_rows.ledgers(session)
        left = [view for view in views if _delta(view) != 0 and self._may_try(view)]
        if not left:
            return 0
        accounts = await self._chain.accounts([Pubkey.from_string(view.token_account) for view in left])
        movable = [view for view, account in zip(left, accounts, strict=True) if can_move(_delta(view), account)]
        for view in movable:
            self._pause(view)
        drafted = await self._submitter.draft_settlements([_due(view) for view in movable], self._room)
        await self._submitter.submit(drafted)
        return len(drafted)

    def _may_try(self, view: LedgerView) -> bool:
        pause = self._pauses.get(view.meter_id)
        if pause is None or pause.delta_wh != _delta(view):
            return True
        return not 0 < pause.until_ms - self._clock.now_ms() <= pause.length_ms  # longer: the clock was set back

    def _pause(self, view: LedgerView) -> None:
        before = self._pauses.get(view.meter_id)
        same = before is not None and before.delta_wh == _delta(view)
        length_ms = min(2 * before.length_ms, LONGEST_PAUSE_MS) if before is not None and same else FIRST_PAUSE_MS
        self._pauses[view.meter_id] = _Pause(_delta(view), self._clock.now_ms() + length_ms, length_ms)


def can_move(delta_wh: int, account: AccountInfo | None) -> bool:
    """Whether a settlement of this difference could move anything, as far as the token account tells."""
    if account is None:
        return False
    try:
        token = TokenAccount.decode(account.data)
    except InvalidInput:
        return False
    if token.is_frozen:
        return False
    return delta_wh > 0 or burnable_wh(balance=token.amount, delegated=token.delegated) > 0


def _delta(view: LedgerView) -> int:
    return Ledger(
        credited_generation_wh=view.credited_generation_wh,
        credited_consumption_wh=view.credited_consumption_wh,
        correction_net_wh=view.correction_net_wh,
        settled_net_wh=view.settled_net_wh,
    ).delta_wh


def _due(view: LedgerView) -> DueMeter:
    return DueMeter(
        meter_id=view.meter_id,
        wallet_address=view.wallet_address,
        token_account=view.token_account,
        zone=view.zone,
        proof_kind=int(ProofKind.DEVICE),  # of no account here: settling shows no proof
        statement_kind=view.statement_kind,
        sequence=view.sequence,
        ordinal=view.entry_number,
        measured_at=0,
        credited_generation_wh=view.credited_generation_wh,
        credited_consumption_wh=view.credited_consumption_wh,
        register_generation_wh=0,
        register_consumption_wh=0,
        statement=b"",
        signature="",
        public_key="",
        lookup_table=view.lookup_table,
    )
