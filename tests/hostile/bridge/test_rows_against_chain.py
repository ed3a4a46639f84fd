"""Defect 37: rows say minted while the chain says no, or the reverse, after a crash at any point between the two.

Power cuts at every point are in `tests/integration/bridge/test_power_cuts.py`; here the two are set against each other.
"""

from sqlmodel import col, update

from core.store.tables.readings import MeterReadingRow
from tests.support.running_bridge import Running, until_idle


async def test_a_row_that_says_minted_without_the_chain_is_found_by_the_audit(live: Running):
    device = await live.add_meter("MTR-001")
    async with live.bridge() as bridge:
        intake = live.intake(bridge)
        await live.say(intake, (device, 1, 1_000, 0))
        await until_idle(bridge)
    await live.say(live.intake(), (device, 2, 2_000, 0))
    async with live.store.begin() as session:
        await session.exec(update(MeterReadingRow).where(col(MeterReadingRow.sequence) == 2).values(minted=True))

    report = await live.new_bridge().audit()

    assert not report.ok
    assert report.failures == [
        "meter MTR-001: readings are called minted that the chain has not reached: -1",
        "meter MTR-001: readings are called minted by transactions that no event tells of: 1 readings, 1000 Wh net, the first 2",
    ]


async def test_rows_that_forgot_a_mint_learn_it_from_the_chain_and_mint_nothing_twice(live: Running):
    device = await live.add_meter("MTR-001")
    async with live.bridge() as bridge:
        await live.say(live.intake(bridge), (device, 1, 1_000, 0))
        await until_idle(bridge)
    async with live.store.begin() as session:
        await session.exec(update(MeterReadingRow).values(minted=False, mint_tx_signature=None, mint_timestamp=None))

    async with live.bridge() as bridge:
        await bridge.indexer.catch_up()

        async with live.store.read() as session:
            row = await session.get(MeterReadingRow, 1)
        assert row is not None
        assert (row.minted, row.mint_tx_signature is not None) == (True, True)
        assert await live.tokens(device) == 1_000_000_000
        assert (await bridge.audit()).ok
