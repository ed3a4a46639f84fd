"""Defects 23 and 37: two books that should say the same and differ by one, each found by its own sentence."""

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from core.domain.readings import StatementKind
from core.store.ledger_rows import LedgerView
from oracle_bridge.audit import examine
from oracle_bridge.books import Books
from programs.client.accounts import EnergyTokenConfig, MeterAccount
from tests.support.fake_chain import Book, meter_account

MINTED_WH, CREDITED_WH = 700, 1_000
UNITS_PER_WH = 1_000_000
NOBODY = str(Pubkey.default())
"""Whose key a blank account names."""


def in_order() -> Books:
    """One register meter that produced 1000 Wh, consumed 300 and got 700."""
    consumed_wh = CREDITED_WH - MINTED_WH
    view = LedgerView(
        meter_id="M1",
        wallet_address=NOBODY,
        token_account=NOBODY,
        lookup_table=None,
        sequence=5,
        entry_number=0,
        credited_generation_wh=CREDITED_WH,
        credited_consumption_wh=consumed_wh,
        correction_net_wh=0,
        settled_net_wh=MINTED_WH,
        minted_wh=MINTED_WH,
        burned_wh=0,
        accepted_generation_wh=CREDITED_WH,
        accepted_consumption_wh=consumed_wh,
        accepted_count=5,
        last_sequence=5,
        base_sequence=0,
        highest_sequence=5,
        last_generation_wh=51_000,
        last_consumption_wh=20_300,
        zone=1,
        statement_kind=StatementKind.REGISTER,
    )
    book = Book(sequence=5, generation_wh=CREDITED_WH, consumption_wh=consumed_wh, settled_wh=MINTED_WH)
    blank = EnergyTokenConfig.from_values(EnergyTokenConfig.packing.unpack(bytes(EnergyTokenConfig.packing.size)))
    return Books(
        views=[view],
        accounts=[replace(meter_account("M1", book), minted_wh=MINTED_WH)],
        moved_wh=(MINTED_WH, 0),
        held={},
        refused={},
        minted={},
        retired_base_units=0,
        token=replace(blank, minted_units=MINTED_WH * UNITS_PER_WH),
        supply_base_units=MINTED_WH * UNITS_PER_WH,
    )


def ledger(books: Books) -> MeterAccount:
    (account,) = books.accounts
    assert account is not None
    return account


def token(books: Books) -> EnergyTokenConfig:
    assert books.token is not None
    return books.token


def test_books_in_order_are_left_in_peace():
    assert examine(in_order(), None).failures == []


@pytest.mark.parametrize(
    ("field", "amount", "sentence"),
    [
        ("minted_wh", MINTED_WH + 1, "meter M1: minted by events differs from by its account: 700 differs from 701"),
        ("burned_wh", 1, "meter M1: burned by events differs from by its account: 0 differs from 1"),
    ],
)
def test_a_ledger_that_moved_what_no_event_told_is_found(field: str, amount: int, sentence: str):
    books = in_order()

    report = examine(replace(books, accounts=[replace(ledger(books), **{field: amount})]), None)

    assert report.failures == [sentence]


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("minted_units", "minted by the ledgers differs from by the token program"),
        ("burned_units", "burned by the ledgers differs from by the token program"),
        ("retired_units", "retired by events differs from by the token program"),
    ],
)
def test_a_total_of_the_token_program_that_no_ledger_explains_is_found(field: str, sentence: str):
    books = in_order()
    one_more = getattr(token(books), field) + 1

    report = examine(replace(books, token=replace(token(books), **{field: one_more})), None)

    assert len(report.failures) == 1
    assert report.failures[0].startswith(sentence)
