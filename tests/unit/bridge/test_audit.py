from dataclasses import replace

from solders.pubkey import Pubkey

from core.domain.readings import StatementKind
from core.store.ledger_rows import LedgerView, MintedReach, ReadingSums
from oracle_bridge.audit import AuditReport, examine
from oracle_bridge.books import Books
from programs.client.accounts import EnergyTokenConfig, MeterAccount
from tests.support.fake_chain import Book, meter_account

WH = 1_000_000
NOBODY = str(Pubkey.default())
"""Whose key a blank account names."""


def view(**changes: int | str) -> LedgerView:
    """A register meter that minted 700 of 1000 less 300 Wh."""
    figures: dict[str, int | str] = {
        "sequence": 5,
        "entry_number": 0,
        "credited_generation_wh": 1_000,
        "credited_consumption_wh": 300,
        "correction_net_wh": 0,
        "settled_net_wh": 700,
        "minted_wh": 700,
        "burned_wh": 0,
        "accepted_generation_wh": 1_000,
        "accepted_consumption_wh": 300,
        "accepted_count": 5,
        "last_sequence": 5,
        "base_sequence": 0,
        "highest_sequence": 5,
        "last_generation_wh": 51_000,
        "last_consumption_wh": 20_300,
        "zone": 1,
        "statement_kind": int(StatementKind.REGISTER),
    }
    return LedgerView(meter_id="M1", wallet_address=NOBODY, token_account=NOBODY, lookup_table=None, **(figures | changes))  # pyright: ignore[reportArgumentType]  # figures are integers


def account(**changes: int) -> MeterAccount:
    book = Book(sequence=5, generation_wh=1_000, consumption_wh=300, settled_wh=700)
    return replace(meter_account("M1", book), minted_wh=700, **changes)  # pyright: ignore[reportArgumentType]  # integer fields


def token(**changes: int) -> EnergyTokenConfig:
    blank = EnergyTokenConfig.from_values(EnergyTokenConfig.packing.unpack(bytes(EnergyTokenConfig.packing.size)))
    return replace(blank, **({"minted_units": 700 * WH} | changes))  # pyright: ignore[reportArgumentType]  # integer fields


def books(**changes: object) -> Books:
    figures: dict[str, object] = {
        "views": [view()],
        "accounts": [account()],
        "moved_wh": (700, 0),
        "held": {},
        "refused": {},
        "minted": {},
        "retired_base_units": 0,
        "token": token(),
        "supply_base_units": 700 * WH,
    }
    return Books(**(figures | changes))  # pyright: ignore[reportArgumentType]  # the fields by name


def terms(report: AuditReport, *names: str) -> list[int]:
    return [report.terms[name] for name in names]


def test_books_in_order_add_up():
    report = examine(books(), {"M1": (1_000, 300)})

    assert report.failures == []
    assert terms(report, "attested_net", "minted", "owed", "unsettled", "after_last_accepted") == [700, 700, 0, 0, 0]


def test_a_register_meters_truth_is_told_apart_into_held_and_not_heard_yet():
    held = {"M1": ReadingSums(count=1, highest_generation_wh=51_400, highest_consumption_wh=20_300)}

    report = examine(books(held=held), {"M1": (1_650, 310)})

    assert report.ok
    assert terms(report, "held_in_quarantine", "after_last_accepted", "refused_or_missing") == [400, 240, 0]
    assert 1_650 - 310 - report.terms["attested_net"] == 400 + 240


def test_an_interval_meters_truth_knows_refused_and_missing_energy():
    meter = view(statement_kind=int(StatementKind.INTERVAL), highest_sequence=9)
    sums = {
        "held": {"M1": ReadingSums(count=1, generation_wh=50)},
        "refused": {"M1": ReadingSums(count=1, generation_wh=70)},
    }

    report = examine(books(views=[meter], **sums), {"M1": (1_200, 300)})  # two of nine numbers were never heard

    assert report.ok
    assert terms(report, "held_in_quarantine", "refused_or_missing", "after_last_accepted") == [50, 70 + 80, 0]


def test_energy_that_never_flowed_is_found():
    report = examine(books(), {"M1": (999, 300)})

    assert report.failures == ["meter M1: more generation accepted or held than really flowed: -1"]


def test_a_ledger_that_events_do_not_explain_is_found():
    report = examine(books(accounts=[account(settled_net_wh=699)]), None)

    assert report.failures == ["meter M1: attested net differs from minted - burned - owed + unsettled: 700 differs from 701"]


def test_tokens_that_no_meter_produced_are_found():
    report = examine(books(supply_base_units=701 * WH), None)

    assert report.failures == [f"there are more tokens than were minted: -{WH}"]


def test_tokens_burned_by_their_holder_are_computed_and_retired_ones_are_known():
    report = examine(books(supply_base_units=600 * WH, retired_base_units=40 * WH, token=token(retired_units=40 * WH)), None)

    assert report.failures == []
    assert terms(report, "burned_by_holders_base_units", "retired_base_units") == [60 * WH, 40 * WH]


def test_chain_energy_that_was_never_accepted_is_found():
    report = examine(books(views=[view(accepted_generation_wh=900)]), None)

    assert report.failures == ["meter M1: more generation on the chain than was accepted: -100"]


def test_readings_called_minted_ahead_of_the_chain_are_found():
    report = examine(books(minted={"M1": MintedReach(sequence=6, ordinal=6)}), None)

    assert report.failures == ["meter M1: readings are called minted that the chain has not reached: -1"]


def test_a_meter_without_an_account_and_a_token_without_a_mint_are_found():
    report = examine(books(accounts=[None], token=None), None)

    assert report.failures == ["meter M1 has no account on the chain", "the energy token is not set up on the chain"]


def test_a_difference_that_moves_from_look_to_look_is_readings_on_their_way():
    first = examine(books(supply_base_units=701 * WH), None)
    moved = examine(books(supply_base_units=702 * WH), None)
    moved.keep_failures_of(first)
    assert moved.ok

    stayed = examine(books(supply_base_units=701 * WH), None)
    stayed.keep_failures_of(first)
    assert not stayed.ok
