"""The seven scenarios (R3.6), and the settled registers, from a signed reading to tokens, by MQTT and by HTTP."""

from itertools import accumulate, count

import pytest
from solders.keypair import Keypair

from core.domain.readings import StatementKind
from tests.support.platform import EnrolledMeter, Grid, keypair_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_doors = pytest.mark.parametrize("door", ["mqtt", "http"])
_NUMBERS = count(1)


async def a_meter(grid: Grid, *, kind: StatementKind = StatementKind.REGISTER, owner: Keypair | None = None) -> EnrolledMeter:
    return await grid.enrol(f"SCN-{next(_NUMBERS):03d}", kind=kind, owner=owner)


async def sees(grid: Grid, meter: EnrolledMeter, base_units: int) -> None:
    """The owner's tokens, on the chain and by the API, are exactly these."""
    assert await grid.tokens(meter.owner.pubkey()) == base_units
    shown = (await grid.operator.get(f"/api/tokens/balance/{meter.wallet}")).json()
    assert int(shown["balance_base_units"]) == base_units
    assert shown["wallet_address"] == meter.wallet


@both_doors
async def test_one_reading_of_10_5_kwh_mints_10_5_tokens(grid: Grid, door: str):
    meter = await a_meter(grid)

    answer = await grid.door(door).send(meter, meter.states(10_500))

    assert (answer.said, answer.final) == ("accepted", True)
    row = await grid.minted(meter, 1)
    assert row["kwh_amount"] == "10.500"
    assert row["verification_status"] == "accepted"
    assert row["wallet_address"] == meter.wallet
    landed = await grid.platform.chain.transaction(row["mint_tx_signature"])
    assert landed is not None
    assert landed.err is None
    await sees(grid, meter, 10_500_000_000)
    await grid.at_rest()


@both_doors
async def test_25_kwh_in_several_readings_mint_25_tokens(grid: Grid, door: str):
    meter = await a_meter(grid)

    for register in accumulate([4_000, 6_500, 0, 9_000, 5_500]):
        assert (await grid.door(door).send(meter, meter.states(register))).said == "accepted"

    await grid.minted(meter, 5)
    assert [row["minted"] for row in await grid.readings(meter)] == [True] * 5
    await sees(grid, meter, 25_000_000_000)
    await grid.at_rest()


@both_doors
async def test_a_batch_of_5_and_7_5_and_12_and_3_5_kwh_mints_each_owner_his_own(grid: Grid, door: str):
    amounts = [5_000, 7_500, 12_000, 3_500]
    meters = [await a_meter(grid, kind=kind) for kind in (StatementKind.REGISTER, StatementKind.INTERVAL) for _ in (0, 1)]
    before = await grid.supply()

    for meter, amount in zip(meters, amounts, strict=True):
        assert (await grid.door(door).send(meter, meter.states(amount))).said == "accepted"

    for meter, amount in zip(meters, amounts, strict=True):
        await grid.minted(meter, 1)
        await sees(grid, meter, amount * 1_000_000)
    assert await grid.supply() - before == 28_000 * 1_000_000
    await grid.at_rest()


@both_doors
async def test_the_balance_is_verified_on_the_chain_for_an_owner_of_two_meters(grid: Grid, door: str):
    owner = keypair_of(f"owner of two by {door}")
    first, second = await a_meter(grid, owner=owner), await a_meter(grid, owner=owner, kind=StatementKind.INTERVAL)

    assert (await grid.door(door).send(first, first.states(1_234))).said == "accepted"
    assert (await grid.door(door).send(second, second.states(8_766))).said == "accepted"

    await grid.minted(first, 1)
    await grid.minted(second, 1)
    await sees(grid, first, 10_000_000_000)
    shown = (await grid.operator.get(f"/api/tokens/balance/{first.wallet}")).json()
    assert (shown["balance_tokens"], shown["balance_kwh"]) == ("10.000000000", "10.000000000")


@both_doors
async def test_a_tenth_of_a_kwh_mints_a_tenth_of_a_token(grid: Grid, door: str):
    meter = await a_meter(grid)

    assert (await grid.door(door).send(meter, meter.states(100))).said == "accepted"

    await grid.minted(meter, 1)
    await sees(grid, meter, 100_000_000)


@both_doors
@pytest.mark.parametrize("kind", list(StatementKind))
async def test_100_kwh_are_accepted_and_100_001_refused(grid: Grid, door: str, kind: StatementKind):
    good, bad = await a_meter(grid, kind=kind), await a_meter(grid, kind=kind)

    accepted = await grid.door(door).send(good, good.states(100_000))
    refused = await grid.door(door).send(bad, bad.states(100_001))

    assert accepted.said == "accepted"
    assert (refused.said, refused.final) == ("rejected over_limit", True)
    if door == "http":
        assert refused.status == 422
        assert refused.problem["type"] == "urn:gridtokenx:reason:over_limit"
        assert (refused.problem["meter_id"], refused.problem["sequence"]) == (bad.meter_id, 1)
    await grid.minted(good, 1)
    await sees(grid, good, 100_000_000_000)
    await grid.at_rest()
    await sees(grid, bad, 0)
    (row,) = await grid.readings(bad)
    assert (row["verification_status"], row["reason"], row["minted"]) == ("rejected", "over_limit", False)


@both_doors
async def test_registers_of_1000_and_300_kwh_with_400_settled_mint_300(grid: Grid, door: str):
    meter = await a_meter(grid)
    assert (await grid.door(door).send(meter, meter.states(500_000, 100_000, ticks=24))).said == "accepted"
    await grid.minted(meter, 1)
    await sees(grid, meter, 400_000_000_000)

    assert (await grid.door(door).send(meter, meter.states(1_000_000, 300_000, ticks=48))).said == "accepted"

    await grid.minted(meter, 2)
    await sees(grid, meter, 700_000_000_000)
    await grid.at_rest()


@both_doors
async def test_net_consumption_burns_by_allowance_and_the_rest_stays_owed(grid: Grid, door: str):
    meter = await a_meter(grid)
    assert (await grid.door(door).send(meter, meter.states(3_000, 0))).said == "accepted"
    await grid.minted(meter, 1)

    assert (await grid.door(door).send(meter, meter.states(3_000, 2_000))).said == "accepted"
    await grid.minted(meter, 2)
    await sees(grid, meter, 1_000_000_000)
    assert (await grid.door(door).send(meter, meter.states(3_000, 5_500))).said == "accepted"
    await grid.at_rest()
    await sees(grid, meter, 0)
    assert [row["minted"] for row in await grid.readings(meter)] == [True, True, False], "2.5 kWh are owed"
    assert (await grid.door(door).send(meter, meter.states(6_000, 5_500))).said == "accepted"
    await grid.minted(meter, 4)
    await grid.minted(meter, 3)
    await sees(grid, meter, 500_000_000)
    await grid.at_rest()


@both_doors
async def test_a_repeated_reading_mints_once(grid: Grid, door: str):
    meter = await a_meter(grid)
    statement = meter.states(7_000)

    said = [(await grid.door(way).send(meter, statement)).said for way in (door, door, "http", "mqtt")]

    assert said == ["accepted", "repeated", "repeated", "repeated"]
    await grid.minted(meter, 1)
    await grid.at_rest()
    await sees(grid, meter, 7_000_000_000)
    assert len(await grid.readings(meter)) == 1


async def test_the_interval_body_mints_what_it_says(grid: Grid):
    meter = await a_meter(grid, kind=StatementKind.INTERVAL)
    response = await grid.http.post("/api/meters/submit-reading", json=meter.interval_body(meter.states(10_500)))

    assert response.status_code == 201, response.text
    answer = response.json()
    assert (answer["verdict"], answer["meter_id"], answer["sequence"]) == ("accepted", meter.meter_id, 1)
    row = await grid.minted(meter, 1)
    assert row["id"] == answer["reading_id"]
    await sees(grid, meter, 10_500_000_000)
