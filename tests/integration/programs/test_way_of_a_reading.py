"""From registration to minted and burned tokens, on the real programs."""

from programs.client import errors
from tests.support.grid import Grid

WH = 1_000_000
"""Base units."""


def test_a_proven_reading_mints_its_net_production_to_the_owner():
    grid = Grid.initialised()
    device = grid.meter()

    landed = grid.submit(device.reading(1, 15_500, 0, measured_at=grid.now))

    assert grid.tokens(device.owner.pubkey()) == 15_500 * WH
    assert grid.supply() == 15_500 * WH
    names = [(event.program, event.name) for event in grid.events(landed)]
    assert ("energy_token", "TokensMinted") in names
    assert ("registry", "MeterBalanceSettled") in names
    assert ("oracle", "MeterReadingAccepted") in names


def test_five_proven_meters_settle_in_one_packet():
    grid = Grid.initialised()
    devices = grid.meters(5)
    table = grid.table(devices)

    landed = grid.submit(
        *(device.reading(1, 1_000 * number, 0, measured_at=grid.now) for number, device in enumerate(devices, 1)),
        tables=[table],
        check_size=True,
    )

    assert [grid.tokens(device.owner.pubkey()) for device in devices] == [n * 1_000 * WH for n in range(1, 6)]
    assert landed.size <= 1_232


def test_consumption_burns_what_there_is_and_the_rest_is_owed():
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 5_000, 0, measured_at=grid.now - 900))

    grid.submit(device.reading(2, 5_000, 7_500, measured_at=grid.now))

    assert grid.tokens(device.owner.pubkey()) == 0
    assert grid.supply() == 0
    ledger = grid.meter_account(device).ledger
    assert (ledger.owed_wh, ledger.settled_net_wh) == (2_500, 0)


def test_owed_energy_is_netted_by_later_production():
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 0, 2_500, measured_at=grid.now - 900))

    grid.submit(device.reading(2, 4_000, 2_500, measured_at=grid.now))

    assert grid.tokens(device.owner.pubkey()) == 1_500 * WH
    assert grid.meter_account(device).ledger.owed_wh == 0


def test_an_attested_interval_batch_mints_and_burns():
    grid = Grid.initialised(attesters=3, threshold=2)
    one, two = grid.meters(2, kind=2, proof=2)

    landed = grid.attest(
        one.attested(1, 3_000, measured_at=grid.now),
        two.attested(1, 0, 800, measured_at=grid.now),
        attesters=grid.attesters[:2],
    )

    assert grid.tokens(one.owner.pubkey()) == 3_000 * WH
    assert grid.meter_account(two).ledger.owed_wh == 800
    accepted = next(event for event in grid.events(landed) if event.name == "MeterReadingAccepted")
    assert accepted.fields["batch"] == 1


def test_sending_the_same_reading_again_changes_nothing():
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(1, 15_500, 0, measured_at=grid.now)
    grid.submit(reading)

    code = grid.refused(grid.proven(reading), payer=grid.attesters[0])

    assert code == errors.code("registry", "StaleSequence")
    assert grid.supply() == 15_500 * WH
    assert grid.meter_account(device).reading_count == 1
