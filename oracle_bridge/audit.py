"""Whether the books add up to the Wh (R3.4): rows against events, events against accounts, accounts against supply and truth."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec
from solders.pubkey import Pubkey

from core.domain.ledger import Ledger
from core.domain.readings import StatementKind
from core.domain.units import base_units_from_wh
from core.domain.verdicts import Verdict
from core.store import ledger_rows
from core.store.ledger_rows import LedgerView, MintedReach, ReadingSums
from core.store.unit_of_work import Store
from programs.client.accounts import EnergyTokenConfig, MeterAccount
from programs.client.addresses import Addresses, addresses_of
from programs.client.rpc import AccountInfo

LOOKS: Final = 4
"""While settlements run, rows and accounts are read at different moments: only what stays wrong is wrong."""
BETWEEN_LOOKS_S: Final = 0.75
NO_SUMS: Final = ReadingSums()


class Ledgers(Protocol):
    """The part of `programs.client.rpc.ChainClient` that the audit reads."""

    async def accounts(self, keys: Sequence[Pubkey]) -> list[AccountInfo | None]:
        """Accounts in the order of their keys."""
        ...

    async def token_supply(self, mint: Pubkey) -> int:
        """Base units of a token that exist."""
        ...


@dataclass(slots=True)
class AuditReport:
    """The outcome: every term of the equations in Wh (base units where the name says so), and what does not add up."""

    terms: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[str] = field(default_factory=list[str])
    gaps: dict[str, int] = field(default_factory=dict[str, int])
    """By how much each failed comparison is off: what is really wrong is off by the same in every look."""

    @property
    def ok(self) -> bool:
        """Whether everything adds up."""
        return not self.failures

    def add(self, term: str, amount: int) -> None:
        """Add to a term."""
        self.terms[term] = self.terms.get(term, 0) + amount

    def require(self, *, equal: tuple[int, int], otherwise: str) -> None:
        """Two numbers are the same."""
        if equal[0] != equal[1]:
            self._fail(f"{otherwise}: {equal[0]} differs from {equal[1]}", otherwise, equal[0] - equal[1])

    def require_not_negative(self, amount: int, otherwise: str) -> None:
        """A number is zero or more."""
        if amount < 0:
            self._fail(f"{otherwise}: {amount}", otherwise, amount)

    def keep_failures_of(self, other: "AuditReport") -> None:
        """Forget the failures that another look did not find, or found off by another amount: readings were on their way."""
        moving = {what for what, gap in self.gaps.items() if other.gaps.get(what) != gap}
        self.failures = [failure for failure in self.failures if not any(failure.startswith(f"{what}: ") for what in moving)]

    def _fail(self, sentence: str, what: str, gap: int) -> None:
        self.failures.append(sentence)
        self.gaps[what] = gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All that is compared, read as near to one moment as it gets."""

    views: list[LedgerView]
    accounts: list[MeterAccount | None]
    moved_wh: tuple[int, int]
    held: dict[str, ReadingSums]
    refused: dict[str, ReadingSums]
    accepted: dict[str, ReadingSums]
    minted: dict[str, MintedReach]
    retired_base_units: int
    token: EnergyTokenConfig | None
    supply_base_units: int


async def run(
    store: Store,
    chain: Ledgers,
    truth: Mapping[str, tuple[int, int]] | None = None,
    *,
    at: Addresses | None = None,
    looks: int = LOOKS,
) -> AuditReport:
    """Compare everything.

    Args:
        store: the database.
        chain: the node.
        truth: what the simulator knows: generation and consumption of each meter since its binding, Wh.
        at: the deployment's addresses.
        looks: how often to look again before a difference counts.

    Raises:
        Unavailable: node or database are away.
    """
    report = examine(await _read(store, chain, at or addresses_of()), truth)
    for _ in range(looks - 1):
        if report.ok:
            break
        await asyncio.sleep(BETWEEN_LOOKS_S)
        before, report = report, examine(await _read(store, chain, at or addresses_of()), truth)
        report.keep_failures_of(before)
    return report


def examine(books: Books, truth: Mapping[str, tuple[int, int]] | None) -> AuditReport:
    """The equations themselves: a pure comparison."""
    report = AuditReport()
    for view, account in zip(books.views, books.accounts, strict=True):
        if account is None:
            report.failures.append(f"meter {view.meter_id} has no account on the chain")
            continue
        _ledger_adds_up(report, view, account)
        _rows_agree(report, view, account, books.minted.get(view.meter_id))
        if truth is not None:
            _truth_adds_up(report, view, books, truth.get(view.meter_id, (0, 0)))
    _supply_adds_up(report, books)
    return report


def _ledger_adds_up(report: AuditReport, view: LedgerView, account: MeterAccount) -> None:
    """Attested net = minted - burned - owed + unsettled, from the account on one side and from events on the other."""
    ledger = Ledger(
        credited_generation_wh=account.credited_generation_wh,
        credited_consumption_wh=account.credited_consumption_wh,
        correction_net_wh=account.correction_net_wh,
        settled_net_wh=account.settled_net_wh,
    )
    report.add("attested_generation", account.credited_generation_wh)
    report.add("attested_consumption", account.credited_consumption_wh)
    report.add("corrections", account.correction_net_wh)
    report.add("attested_net", ledger.target_net_wh)
    report.add("minted", view.minted_wh)
    report.add("burned", view.burned_wh)
    report.add("owed", ledger.owed_wh)
    report.add("unsettled", ledger.unsettled_wh)
    name = view.meter_id
    settled = view.minted_wh - view.burned_wh - ledger.owed_wh + ledger.unsettled_wh
    report.require(
        equal=(ledger.target_net_wh, settled),
        otherwise=f"meter {name}: attested net differs from minted - burned - owed + unsettled",
    )
    report.require(
        equal=(view.minted_wh, account.minted_wh), otherwise=f"meter {name}: minted by events differs from by its account"
    )
    report.require(
        equal=(view.burned_wh, account.burned_wh), otherwise=f"meter {name}: burned by events differs from by its account"
    )


def _rows_agree(report: AuditReport, view: LedgerView, account: MeterAccount, minted: MintedReach | None) -> None:
    """Nothing is on the chain that was not accepted, and nothing is called minted that the chain has not reached."""
    name = view.meter_id
    waiting_generation = view.accepted_generation_wh - account.credited_generation_wh
    waiting_consumption = view.accepted_consumption_wh - account.credited_consumption_wh
    report.add("accepted_not_attested_yet", waiting_generation - waiting_consumption)
    report.require_not_negative(waiting_generation, f"meter {name}: more generation on the chain than was accepted")
    report.require_not_negative(waiting_consumption, f"meter {name}: more consumption on the chain than was accepted")
    if minted is None:
        return
    if view.statement_kind == StatementKind.REGISTER:
        ahead = account.last_sequence - minted.sequence
    else:
        ahead = account.entry_number - minted.ordinal
    report.require_not_negative(ahead, f"meter {name}: readings are called minted that the chain has not reached")


def _truth_adds_up(report: AuditReport, view: LedgerView, books: Books, truth: tuple[int, int]) -> None:
    """Truth - accepted = after the last accepted + held in quarantine + refused or missing, each direction for itself."""
    report.add("truth_generation", truth[0])
    report.add("truth_consumption", truth[1])
    held = books.held.get(view.meter_id, NO_SUMS)
    if view.statement_kind == StatementKind.REGISTER:
        in_doubt = (
            max(0, held.highest_generation_wh - view.last_generation_wh),
            max(0, held.highest_consumption_wh - view.last_consumption_wh),
        )
        refused = (0, 0)  # a later register contains what an earlier statement said
        complete = True
    else:
        sums = books.refused.get(view.meter_id, NO_SUMS)
        in_doubt = (held.generation_wh, held.consumption_wh)
        refused = (sums.generation_wh, sums.consumption_wh)
        known = books.accepted.get(view.meter_id, NO_SUMS).count + held.count + sums.count
        complete = known == view.highest_sequence - view.base_sequence
    rest = (
        truth[0] - view.accepted_generation_wh - in_doubt[0] - refused[0],
        truth[1] - view.accepted_consumption_wh - in_doubt[1] - refused[1],
    )
    report.add("held_in_quarantine", in_doubt[0] - in_doubt[1])
    report.add("refused_or_missing", refused[0] - refused[1] + (0 if complete else rest[0] - rest[1]))
    report.add("after_last_accepted", rest[0] - rest[1] if complete else 0)
    for direction, amount in zip(("generation", "consumption"), rest, strict=True):
        report.require_not_negative(amount, f"meter {view.meter_id}: more {direction} accepted or held than really flowed")


def _supply_adds_up(report: AuditReport, books: Books) -> None:
    """Supply = minted - burned - retired - lost - burned directly by holders; the last is computed and never negative."""
    if books.token is None:
        report.failures.append("the energy token is not set up on the chain")
        return
    minted, burned = (base_units_from_wh(amount) for amount in books.moved_wh)
    by_holders = minted - burned - books.retired_base_units - books.supply_base_units
    report.terms |= {
        "minted_base_units": minted,
        "burned_base_units": burned,
        "retired_base_units": books.retired_base_units,
        "lost_base_units": 0,  # lost in transport: there is no trading yet
        "burned_by_holders_base_units": by_holders,
        "supply_base_units": books.supply_base_units,
    }
    report.require_not_negative(by_holders, "there are more tokens than were minted")
    token = books.token
    report.require(
        equal=(minted, token.minted_units), otherwise="minted by the ledgers differs from by the token program, base units"
    )
    report.require(
        equal=(burned, token.burned_units), otherwise="burned by the ledgers differs from by the token program, base units"
    )
    retired = (books.retired_base_units, token.retired_units)
    report.require(equal=retired, otherwise="retired by events differs from by the token program, base units")


async def _read(store: Store, chain: Ledgers, at: Addresses) -> Books:
    """Rows first: the chain is never behind them, and a difference that time mends is looked at again."""
    async with store.read() as session:
        views = await ledger_rows.ledgers(session)
        moved = await ledger_rows.moved_in_all(session)
        held = await ledger_rows.reading_sums(session, Verdict.QUARANTINED)
        refused = await ledger_rows.reading_sums(session, Verdict.REJECTED)
        accepted = await ledger_rows.reading_sums(session, Verdict.ACCEPTED)
        minted = await ledger_rows.minted_reach(session)
        retired = await ledger_rows.payloads(session, "TokensRetired")
    config, *meters = await chain.accounts([at.energy_token.config, *(at.meter(view.meter_id) for view in views)])
    return Books(
        views=views,
        accounts=[None if account is None else MeterAccount.decode(account.data) for account in meters],
        moved_wh=moved,
        held=held,
        refused=refused,
        accepted=accepted,
        minted=minted,
        retired_base_units=sum(_amount(payload) for payload in retired),
        token=None if config is None else EnergyTokenConfig.decode(config.data),
        supply_base_units=0 if config is None else await chain.token_supply(at.mint),
    )


class _Retired(msgspec.Struct):
    amount: int | str
    """Text when it is above 2^53."""


def _amount(payload: str) -> int:
    return int(msgspec.json.decode(payload, type=_Retired).amount)
