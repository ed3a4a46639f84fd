"""Defects 23, 37 and 38: whatever is changed in the rows or past the programs, the audit names it, by its term and in Wh."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from solders.pubkey import Pubkey

from core.store.tables.registered import METADATA
from oracle_bridge import audit
from oracle_bridge.audit import AuditReport
from oracle_bridge.terms import Term
from programs.client.accounts import EnergyTokenConfig, MeterAccount, ZoneAccount
from tests.support.running_bridge import Running, running, until_idle

NOBODY = str(Pubkey.from_bytes(bytes([9]) * 32))
MADE_UP = "5" * 87
SUPPLY_AT = 36
"""Where a mint keeps its supply, 8 bytes."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def settled(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """One meter with two settled readings of 1000 Wh, and one reading of 500 Wh that waits for a bridge."""
    async with running(tmp_path_factory.mktemp("books")) as world:
        device = await world.add_meter("MTR-001")
        async with world.bridge() as bridge:
            for step in (1, 2):
                await world.say(world.intake(bridge), (device, step, 1_000 * step, 0))
                await until_idle(bridge)
        await world.say(world.intake(), (device, 3, 2_500, 0))
        yield world


async def look(world: Running) -> AuditReport:
    return await audit.run(world.store, world.chain.client, looks=1)


async def write(world: Running, table: str, values: Mapping[str, Any]) -> None:
    async with world.store.begin() as session:
        await (await session.connection()).execute(sa.update(METADATA.tables[table]).values(dict(values)))


async def cells(world: Running, table: str, column: str) -> list[Any]:
    rows = METADATA.tables[table]
    async with world.store.read() as session:
        return list((await (await session.connection()).execute(sa.select(rows.c[column]))).scalars().all())


async def test_books_in_order_name_nothing(settled: Running):
    report = await look(settled)

    assert report.failures == []
    assert set(report.differences_wh.values()) == {0}


@pytest.mark.parametrize(
    ("table", "column", "value", "term", "amount_wh"),
    [
        ("ledgers", "minted_wh", 2_005, Term.MINTED_EVENTS, 5),
        ("ledgers", "minted_wh", 2_006, Term.LEDGERS, 6),
        ("ledgers", "minted_wh", 2_007, Term.TOKENS_MINTED, 7),
        ("ledgers", "burned_wh", 3, Term.BURNED_EVENTS, 3),
        ("ledger_standings", "correction_net_wh", 7, Term.CORRECTIONS, 7),
        ("meters", "credited_generation_wh", 1_900, Term.NEVER_ACCEPTED, 100),
        ("settlement_work", "state", "idle", Term.STRANDED, 500),
        ("meters", "wallet_address", NOBODY, Term.BINDINGS, 2_000),
        ("meters", "token_account", NOBODY, Term.BINDINGS, 2_000),
        ("device_keys", "public_key", NOBODY, Term.BINDINGS, 2_000),
    ],
)
async def test_a_changed_cell_is_named(settled: Running, table: str, column: str, value: Any, term: Term, amount_wh: int):
    (before,) = await cells(settled, table, column)
    await write(settled, table, {column: value})
    try:
        report = await look(settled)
    finally:
        await write(settled, table, {column: before})

    assert not report.ok
    assert report.differences_wh[term] == amount_wh
    assert all("MTR-001" in failure or "token" in failure for failure in report.failures)


async def test_a_mint_by_a_transaction_that_no_event_tells_of_is_named(settled: Running):
    rows = METADATA.tables["meter_readings"]
    (before, *_) = await cells(settled, "meter_readings", "mint_tx_signature")
    first = rows.c.sequence == 1
    async with settled.store.begin() as session:
        await (await session.connection()).execute(sa.update(rows).where(first).values(mint_tx_signature=MADE_UP))
    try:
        report = await look(settled)
    finally:
        async with settled.store.begin() as session:
            await (await session.connection()).execute(sa.update(rows).where(first).values(mint_tx_signature=before))

    assert report.differences_wh[Term.MINTED_UNKNOWN] == 1_000
    assert report.failures[0].endswith("1 readings, 1000 Wh net, the first 1")


@pytest.mark.parametrize(
    ("column", "value", "term"),
    [("signature", MADE_UP, Term.UNKNOWN_TRANSACTIONS), ("program", "market", Term.STRANGE_EVENTS)],
)
async def test_an_event_that_nobody_emitted_is_named(settled: Running, column: str, value: str, term: Term):
    rows = METADATA.tables["chain_events"]
    newest = rows.c.id == max(await cells(settled, "chain_events", "id"))
    async with settled.store.begin() as session:
        connection = await session.connection()
        before = (await connection.execute(sa.select(rows.c[column]).where(newest))).scalar_one()
        await connection.execute(sa.update(rows).where(newest).values({column: value}))
    try:
        report = await look(settled)
    finally:
        async with settled.store.begin() as session:
            await (await session.connection()).execute(sa.update(rows).where(newest).values({column: before}))

    assert report.findings[term] == 1
    assert set(report.differences_wh.values()) == {0}, "no energy differs"
    assert any(value in failure or "none of ours" in failure for failure in report.failures)


@pytest.mark.parametrize(
    ("account", "record", "changes", "term", "amount_wh"),
    [
        ("meter", MeterAccount, {"minted_wh": 2_011}, Term.MINTED_EVENTS, 11),
        ("meter", MeterAccount, {"settled_net_wh": 1_990, "minted_wh": 1_990}, Term.LEDGERS, 10),
        ("meter", MeterAccount, {"owner": Pubkey.from_string(NOBODY)}, Term.BINDINGS, 2_000),
        ("meter", MeterAccount, {"device_key": Pubkey.from_string(NOBODY)}, Term.BINDINGS, 2_000),
        ("zone", ZoneAccount, {"mint_cap_wh": 1_400, "minted_in_window_wh": 2_000}, Term.ZONE_CAP, 600),
        ("token", EnergyTokenConfig, {"minted_units": 2_000_000_001}, Term.TOKENS_MINTED, 1),
        ("token", EnergyTokenConfig, {"burned_units": 4_000_000}, Term.TOKENS_BURNED, 4),
        ("token", EnergyTokenConfig, {"retired_units": 9_000_000}, Term.TOKENS_RETIRED, 9),
    ],
)
async def test_an_account_changed_past_its_program_is_named(
    settled: Running, account: str, record: Any, changes: dict[str, Any], term: Term, amount_wh: int
):
    at = settled.chain.at
    key = {"meter": at.meter("MTR-001"), "zone": at.zone(1), "token": at.energy_token.config}[account]
    held = settled.chain.localnet.chain.accounts
    before = held.get(bytes(key))
    assert before is not None
    held.put(bytes(key), replace(before, data=replace(record.decode(before.data), **changes).encode()))
    try:
        report = await look(settled)
    finally:
        held.put(bytes(key), before)

    assert report.differences_wh[term] == amount_wh
    assert not report.ok


async def test_tokens_from_nowhere_are_an_alarm(settled: Running):
    held, mint = settled.chain.localnet.chain.accounts, bytes(settled.chain.at.mint)
    before = held.get(mint)
    assert before is not None
    supply = int.from_bytes(before.data[SUPPLY_AT : SUPPLY_AT + 8], "little") + 3_000_000
    held.put(mint, replace(before, data=before.data[:SUPPLY_AT] + supply.to_bytes(8, "little") + before.data[SUPPLY_AT + 8 :]))
    try:
        report = await look(settled)
    finally:
        held.put(mint, before)

    assert report.differences_wh[Term.SUPPLY] == 3
    assert report.failures == ["there are more tokens than were minted: -3000000"]


async def test_a_meter_that_the_chain_does_not_know_is_named(settled: Running):
    rows = METADATA.tables["meters"]
    async with settled.store.begin() as session:
        connection = await session.connection()
        known = (await connection.execute(sa.select(rows))).mappings().one()
        await connection.execute(sa.insert(rows).values(dict(known) | {"meter_id": "MADE-UP"}))
    try:
        report = await look(settled)
    finally:
        async with settled.store.begin() as session:
            await (await session.connection()).execute(sa.delete(rows).where(rows.c.meter_id == "MADE-UP"))

    assert report.failures == ["meter MADE-UP has no account on the chain"]
    assert report.terms_of == {"meter MADE-UP has no account on the chain": Term.ACCOUNTS}
