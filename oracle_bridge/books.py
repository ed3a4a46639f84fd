"""All that an audit compares, read page by page and as near to one moment as it gets."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import msgspec
from solders.pubkey import Pubkey

from core.domain.verdicts import Verdict
from core.store import audit_figures, ledger_rows
from core.store.audit_figures import Run
from core.store.ledger_rows import LedgerView, MintedReach, ReadingSums, UnknownMints
from core.store.unit_of_work import Store
from oracle_bridge.fates import Statuses, fates
from programs.client.accounts import EnergyTokenConfig, MeterAccount
from programs.client.addresses import Addresses
from programs.client.rpc import AccountInfo

METERS_A_PAGE: Final = 500
SIGNATURES_A_CALL: Final = 256
NOBODY: Final = -1
"""Work of nobody reaches to no sequence."""


class Chain(Statuses, Protocol):
    """The part of `programs.client.rpc.ChainClient` that the audit reads."""

    async def accounts(self, keys: Sequence[Pubkey]) -> list[AccountInfo | None]:
        """Accounts in the order of their keys."""
        ...

    async def token_supply(self, mint: Pubkey) -> int:
        """Base units of a token that exist."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A page of meters with all that is said about them, and what is said about all together."""

    views: list[LedgerView]
    accounts: list[MeterAccount | None]
    moved_wh: tuple[int, int] = (0, 0)
    """Minted and burned by the events of all meters."""
    held: dict[str, ReadingSums] = field(default_factory=dict[str, ReadingSums])
    """In quarantine."""
    refused: dict[str, ReadingSums] = field(default_factory=dict[str, ReadingSums])
    minted: dict[str, MintedReach] = field(default_factory=dict[str, MintedReach])
    retired_base_units: int = 0
    token: EnergyTokenConfig | None = None
    supply_base_units: int = 0
    working: dict[str, int] = field(default_factory=dict[str, int])
    """Up to which sequence somebody's work goes, by meter; those that are not named are left in peace."""
    device_keys: dict[str, str] = field(default_factory=dict[str, str])
    unknown_mints: dict[str, UnknownMints] = field(default_factory=dict[str, UnknownMints])
    strange_events: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Signatures:
    """Which transactions a continuous audit asks the chain for: so many of them each time, all of them in turn."""

    at_a_time: int
    _after: int = 0
    _reached: int = 0

    @property
    def after(self) -> int:
        """The event behind which this audit begins."""
        return self._after

    def reached(self, number: int) -> None:
        """This audit came to an event."""
        self._reached = number

    def advance(self) -> None:
        """The next audit begins where this one ended, or at the first event again."""
        self._after = self._reached if self._reached > self._after else 0


async def read_totals(store: Store, chain: Chain, at: Addresses) -> Books:
    """What is said about all meters together, and no meter."""
    async with store.read() as session:
        moved = await ledger_rows.moved_in_all(session)
        retired = await ledger_rows.payloads(session, "TokensRetired")
        strange = await audit_figures.strange_events(session)
    (config,) = await chain.accounts([at.energy_token.config])
    return Books(
        views=[],
        accounts=[],
        moved_wh=moved,
        retired_base_units=sum(_amount(payload) for payload in retired),
        token=None if config is None else EnergyTokenConfig.decode(config.data),
        supply_base_units=0 if config is None else await chain.token_supply(at.mint),
        strange_events=strange,
    )


async def read(store: Store, chain: Chain, at: Addresses, *, with_truth: bool, deep: bool) -> AsyncGenerator[Books]:
    """All meters by id, a page at a time: rows first, since the chain is never behind them.

    Args:
        store: the database.
        chain: the node.
        at: the deployment's addresses.
        with_truth: also read what only the comparison with the truth needs.
        deep: also look at every minted reading.
    """
    after = ""
    while (page := await _rows(store, after, with_truth=with_truth, deep=deep)) is not None:
        accounts = await chain.accounts([at.meter(view.meter_id) for view in page.views])
        decoded = [None if account is None else MeterAccount.decode(account.data) for account in accounts]
        yield replace(page, accounts=decoded)
        after = page.views[-1].meter_id


async def _rows(store: Store, after: str, *, with_truth: bool, deep: bool) -> Books | None:
    async with store.read() as session:
        views = await ledger_rows.ledgers(session, after=after, limit=METERS_A_PAGE)
        if not views:
            return None
        run = Run(first=views[0].meter_id, last=views[-1].meter_id)
        working = await audit_figures.working_to(session, run)
        return Books(
            views=views,
            accounts=[],
            held=await audit_figures.sums(session, run, Verdict.QUARANTINED) if with_truth else {},
            refused=await audit_figures.sums(session, run, Verdict.REJECTED) if with_truth else {},
            minted=await audit_figures.minted_reach(session, run) if deep else {},
            unknown_mints=await audit_figures.unknown_mints(session, run) if deep else {},
            working={view.meter_id: working.get(view.meter_id, NOBODY) for view in views},
            device_keys=await audit_figures.device_keys(session, run),
        )


async def unknown_transactions(store: Store, chain: Chain, wanted: Signatures | None) -> AsyncGenerator[str]:
    """Transactions whose events are in the rows, and that the chain does not know or knows to have failed."""
    after, left = (0, None) if wanted is None else (wanted.after, wanted.at_a_time)
    while left is None or left > 0:
        async with store.read() as session:
            found = await audit_figures.signatures(session, after=after, limit=SIGNATURES_A_CALL)
        if not found:
            break
        after = max(found.values())
        for name, status in (await fates(chain, list(found))).items():
            if status is None or status.err is not None:
                yield name
        left = None if left is None else left - len(found)
    if wanted is not None:
        wanted.reached(after if left is not None and left <= 0 else 0)


class _Retired(msgspec.Struct):
    amount: int | str
    """Text when it is above 2^53."""


def _amount(payload: str) -> int:
    return int(msgspec.json.decode(payload, type=_Retired).amount)
