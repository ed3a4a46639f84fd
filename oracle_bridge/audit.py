"""Whether the books add up to the Wh (R3.4): rows against events, events against accounts, accounts against supply and truth.

Meters are looked at page by page: memory does not grow with their number.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.domain.ledger import Ledger
from core.domain.readings import StatementKind
from core.domain.units import BASE_UNITS_PER_WH, base_units_from_wh
from core.store.ledger_rows import LedgerView, MintedReach, ReadingSums, UnknownMints
from core.store.unit_of_work import Store
from oracle_bridge import books as pages
from oracle_bridge.books import Books, Chain, Signatures
from oracle_bridge.terms import Term
from oracle_bridge.zones import over_cap
from programs.client.accounts import MeterAccount
from programs.client.addresses import Addresses, addresses_of

LOOKS: Final = 4
"""While settlements run, rows and accounts are read at different moments: only what stays wrong is wrong."""
BETWEEN_LOOKS_S: Final = 0.75
NO_SUMS: Final = ReadingSums()


@dataclass(slots=True)
class AuditReport:
    """The outcome: every term of the equations in Wh (base units where the name says so), and what does not add up."""

    terms: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[str] = field(default_factory=list[str])
    gaps: dict[str, int] = field(default_factory=dict[str, int])
    """By how much each failed comparison is off: what is really wrong is off by the same in every look."""
    terms_of: dict[str, Term] = field(default_factory=dict[str, Term])
    """Which term each failed comparison belongs to."""

    @property
    def ok(self) -> bool:
        """Whether everything adds up."""
        return not self.failures

    def add(self, term: str, amount: int) -> None:
        """Add to a term."""
        self.terms[term] = self.terms.get(term, 0) + amount

    @property
    def differences_wh(self) -> dict[Term, int]:
        """By how much each term of energy does not add up, all meters together, Wh; a part of a Wh counts as one."""
        found = {term: 0 for term in Term if not term.is_counted}
        for what, term in self.terms_of.items():
            if not term.is_counted:
                found[term] += _whole_wh(self.gaps[what]) if term.is_in_base_units else abs(self.gaps[what])
        return found

    @property
    def findings(self) -> dict[Term, int]:
        """How many comparisons of each term fail."""
        found = dict.fromkeys(Term, 0)
        for term in self.terms_of.values():
            found[term] += 1
        return found

    def require(self, term: Term, *, equal: tuple[int, int], otherwise: str) -> None:
        """Two numbers are the same."""
        if equal[0] != equal[1]:
            self.fail(term, f"{otherwise}: {equal[0]} differs from {equal[1]}", otherwise, equal[0] - equal[1])

    def require_not_negative(self, term: Term, amount: int, otherwise: str) -> None:
        """A number is zero or more."""
        if amount < 0:
            self.fail(term, f"{otherwise}: {amount}", otherwise, amount)

    def fail(self, term: Term, sentence: str, what: str, gap: int) -> None:
        """Something does not add up.

        Args:
            term: where it belongs.
            sentence: for people.
            what: the same in every look.
            gap: by how much, Wh or base units.
        """
        self.failures.append(sentence)
        self.gaps[what] = gap
        self.terms_of[what] = term

    def keep_failures_of(self, other: "AuditReport") -> None:
        """Forget the failures that another look did not find, or found off by another amount: readings were on their way."""
        moving = {what for what, gap in self.gaps.items() if other.gaps.get(what) != gap}
        self.failures = [
            failure for failure in self.failures if not any(f"{failure}: ".startswith(f"{what}: ") for what in moving)
        ]
        for what in moving:
            del self.gaps[what], self.terms_of[what]


def _whole_wh(base_units: int) -> int:
    return -(-abs(base_units) // BASE_UNITS_PER_WH)


async def run(
    store: Store,
    chain: Chain,
    truth: Mapping[str, tuple[int, int]] | None = None,
    *,
    at: Addresses | None = None,
    looks: int = LOOKS,
    signatures: Signatures | None = None,
    deep: bool = True,
) -> AuditReport:
    """Compare everything.

    Args:
        store: the database.
        chain: the node.
        truth: what the simulator knows: generation and consumption of each meter since its binding, Wh.
        at: the deployment's addresses.
        looks: how often to look again before a difference counts.
        signatures: which transactions to ask the chain for; all of them by default.
        deep: also look at every minted reading, which takes time that grows with the past.

    Raises:
        Unavailable: node or database are away.
    """
    look = _Look(store=store, chain=chain, truth=truth, at=at or addresses_of(), signatures=signatures, deep=deep)
    report = await look.report()
    for _ in range(looks - 1):
        if report.ok:
            break
        await asyncio.sleep(BETWEEN_LOOKS_S)
        before, report = report, await look.report()
        report.keep_failures_of(before)
    if signatures is not None:
        signatures.advance()
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look at everything."""

    store: Store
    chain: Chain
    truth: Mapping[str, tuple[int, int]] | None
    at: Addresses
    signatures: Signatures | None
    deep: bool

    async def report(self) -> AuditReport:
        """Rows first: the chain is never behind them, and a difference that time mends is looked at again."""
        report = AuditReport()
        totals = await pages.read_totals(self.store, self.chain, self.at)
        zones: set[int] = set()
        async for page in pages.read(self.store, self.chain, self.at, with_truth=self.truth is not None, deep=self.deep):
            _meters_add_up(report, page, self.truth)
            zones |= {view.zone for view in page.views}
        _supply_adds_up(report, totals)
        for zone in await over_cap(self.store, self.chain, self.at, sorted(zones)):
            what = f"zone {zone.id}: more minted in its window than its cap ever allowed"
            report.fail(Term.ZONE_CAP, f"{what}: {zone.over_wh} Wh over", what, zone.over_wh)
        await self._transactions(report, totals)
        return report

    async def _transactions(self, report: AuditReport, totals: Books) -> None:
        for event in totals.strange_events:
            what = f"event {event}: of a program that is none of ours"
            report.fail(Term.STRANGE_EVENTS, what, what, 1)
        async for signature in pages.unknown_transactions(self.store, self.chain, self.signatures):
            what = f"transaction {signature}: its events are in the rows, and the chain does not know it"
            report.fail(Term.UNKNOWN_TRANSACTIONS, what, what, 1)


def examine(books: Books, truth: Mapping[str, tuple[int, int]] | None) -> AuditReport:
    """The equations themselves: a pure comparison."""
    report = AuditReport()
    _meters_add_up(report, books, truth)
    _supply_adds_up(report, books)
    return report


def _meters_add_up(report: AuditReport, books: Books, truth: Mapping[str, tuple[int, int]] | None) -> None:
    for view, account in zip(books.views, books.accounts, strict=True):
        if account is None:
            what = f"meter {view.meter_id} has no account on the chain"
            report.fail(Term.ACCOUNTS, what, what, view.minted_wh)
            continue
        _ledger_adds_up(report, view, account)
        _rows_agree(report, view, account, books.minted.get(view.meter_id))
        _nothing_is_stranded(report, view, account, books.working.get(view.meter_id, view.last_sequence))
        _is_the_same_meter(report, view, account, books.device_keys.get(view.meter_id))
        _mints_are_known(report, view.meter_id, books.unknown_mints.get(view.meter_id))
        if truth is not None:
            _truth_adds_up(report, view, books, truth.get(view.meter_id, (0, 0)))


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
        Term.LEDGERS,
        equal=(ledger.target_net_wh, settled),
        otherwise=f"meter {name}: attested net differs from minted - burned - owed + unsettled",
    )
    report.require(
        Term.MINTED_EVENTS,
        equal=(view.minted_wh, account.minted_wh),
        otherwise=f"meter {name}: minted by events differs from by its account",
    )
    report.require(
        Term.BURNED_EVENTS,
        equal=(view.burned_wh, account.burned_wh),
        otherwise=f"meter {name}: burned by events differs from by its account",
    )
    report.require(
        Term.CORRECTIONS,
        equal=(view.correction_net_wh, account.correction_net_wh),
        otherwise=f"meter {name}: corrections by events differ from by its account",
    )


def _rows_agree(report: AuditReport, view: LedgerView, account: MeterAccount, minted: MintedReach | None) -> None:
    """Nothing is on the chain that was not accepted, and nothing is called minted that the chain has not reached."""
    name = view.meter_id
    waiting_generation = view.accepted_generation_wh - account.credited_generation_wh
    waiting_consumption = view.accepted_consumption_wh - account.credited_consumption_wh
    report.add("accepted_not_attested_yet", waiting_generation - waiting_consumption)
    report.require_not_negative(
        Term.NEVER_ACCEPTED, waiting_generation, f"meter {name}: more generation on the chain than was accepted"
    )
    report.require_not_negative(
        Term.NEVER_ACCEPTED, waiting_consumption, f"meter {name}: more consumption on the chain than was accepted"
    )
    if minted is None:
        return
    if view.statement_kind == StatementKind.REGISTER:
        ahead = account.last_sequence - minted.sequence
    else:
        ahead = account.entry_number - minted.ordinal
    report.require_not_negative(
        Term.MINTED_AHEAD, ahead, f"meter {name}: readings are called minted that the chain has not reached"
    )


def _nothing_is_stranded(report: AuditReport, view: LedgerView, account: MeterAccount, working_to: int) -> None:
    """What was accepted and is not on the chain must be somebody's work, or nobody will ever bring it there."""
    left = (
        max(0, view.accepted_generation_wh - account.credited_generation_wh),
        max(0, view.accepted_consumption_wh - account.credited_consumption_wh),
    )
    if left == (0, 0) or working_to >= view.last_sequence:
        return
    what = f"meter {view.meter_id}: accepted energy that nobody is going to bring to the chain"
    sentence = f"{what}: {left[0]} Wh generation, {left[1]} Wh consumption"
    report.fail(Term.STRANDED, sentence, what, sum(left))


def _is_the_same_meter(report: AuditReport, view: LedgerView, account: MeterAccount, device_key: str | None) -> None:
    """Rows and chain name the same owner and the same key: else energy of one goes to another."""
    pairs = {
        "owner": (view.wallet_address, str(account.owner)),
        "token account": (view.token_account, str(account.token_account)),
        "device key": (device_key or str(account.device_key), str(account.device_key)),
    }
    for name, (row, chain) in pairs.items():
        if row != chain:
            what = f"meter {view.meter_id}: its {name} is another one on the chain"
            at_stake = account.ledger.target_net_wh
            sentence = f"{what}: {row} by its row, {chain} by its account, {at_stake} Wh attested"
            report.fail(Term.BINDINGS, sentence, what, at_stake)


def _mints_are_known(report: AuditReport, meter_id: str, unknown: UnknownMints | None) -> None:
    """What a row says of its minting, an event says too."""
    if unknown is None:
        return
    what = f"meter {meter_id}: readings are called minted by transactions that no event tells of"
    sentence = f"{what}: {unknown.count} readings, {unknown.net_wh} Wh net, the first {unknown.first_sequence}"
    report.fail(Term.MINTED_UNKNOWN, sentence, what, unknown.net_wh)


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
        known = view.accepted_count + held.count + sums.count
        complete = known == view.highest_sequence - view.base_sequence
    rest = (
        truth[0] - view.accepted_generation_wh - in_doubt[0] - refused[0],
        truth[1] - view.accepted_consumption_wh - in_doubt[1] - refused[1],
    )
    report.add("held_in_quarantine", in_doubt[0] - in_doubt[1])
    report.add("refused_or_missing", refused[0] - refused[1] + (0 if complete else rest[0] - rest[1]))
    report.add("after_last_accepted", rest[0] - rest[1] if complete else 0)
    for direction, amount in zip(("generation", "consumption"), rest, strict=True):
        report.require_not_negative(
            Term.NEVER_FLOWED, amount, f"meter {view.meter_id}: more {direction} accepted or held than really flowed"
        )


def _supply_adds_up(report: AuditReport, books: Books) -> None:
    """Supply = minted - burned - retired - lost - burned directly by holders; the last is computed and never negative."""
    minted, burned = (base_units_from_wh(amount) for amount in books.moved_wh)
    if books.token is None:
        what = "the energy token is not set up on the chain"
        report.fail(Term.TOKENS_MINTED, what, what, minted)
        return
    by_holders = minted - burned - books.retired_base_units - books.supply_base_units
    report.terms |= {
        "minted_base_units": minted,
        "burned_base_units": burned,
        "retired_base_units": books.retired_base_units,
        "lost_base_units": 0,  # lost in transport: there is no trading yet
        "burned_by_holders_base_units": by_holders,
        "supply_base_units": books.supply_base_units,
    }
    report.require_not_negative(Term.SUPPLY, by_holders, "there are more tokens than were minted")
    token = books.token
    report.require(
        Term.TOKENS_MINTED,
        equal=(minted, token.minted_units),
        otherwise="minted by the ledgers differs from by the token program, base units",
    )
    report.require(
        Term.TOKENS_BURNED,
        equal=(burned, token.burned_units),
        otherwise="burned by the ledgers differs from by the token program, base units",
    )
    retired = (books.retired_base_units, token.retired_units)
    report.require(
        Term.TOKENS_RETIRED, equal=retired, otherwise="retired by events differs from by the token program, base units"
    )
