"""The two doors: what they credit, what they tell, and how much fits."""

from hashlib import sha256

import pytest

from programs.client.accounts import OracleConfig, RootsAccount
from programs.client.instructions import oracle
from programs.client.transactions import PACKET_DATA_SIZE
from tests.support.grid import NOW, ROOT, Grid

WH = 1_000_000
CREDITED, MINTED, NOT_ASKED = 0, 1, 12


def roots(grid: Grid) -> RootsAccount:
    return RootsAccount.decode(grid.chain.data(grid.at.roots) or b"")


def test_a_proven_reading_is_told_with_what_became_of_it():
    grid = Grid.initialised()
    device = grid.meter()

    landed = grid.submit(device.reading(7, 2_500, 500, measured_at=grid.now - 60))

    told = grid.events(landed)[-1]
    assert (told.name, told.fields["proof"], told.fields["batch"], told.fields["timestamp"]) == (
        "MeterReadingAccepted",
        1,
        0,
        NOW,
    )
    assert told.fields["items"] == [
        {
            "meter_id": "MTR-001",
            "sequence": 7,
            "measured_at": NOW - 60,
            "generation_wh": 2_500,
            "consumption_wh": 500,
            "result": CREDITED,
            "settlement": MINTED,
            "quality": 100,
        }
    ]


def test_a_reading_can_be_credited_without_settling():
    grid = Grid.initialised()
    device = grid.meter()

    landed = grid.submit(device.reading(1, 2_500, measured_at=grid.now), zones=None)

    assert grid.supply() == 0
    assert grid.meter_account(device).ledger.unsettled_wh == 2_500
    assert grid.events(landed)[-1].fields["items"][0]["settlement"] == NOT_ASKED


def test_the_oracle_counts_the_readings_of_both_doors():
    grid = Grid.initialised()
    proven, attested = grid.meter("P-1"), grid.meter("A-1", proof=2)

    grid.submit(proven.reading(1, 10, measured_at=grid.now))
    grid.attest(attested.attested(1, 10, measured_at=grid.now))

    assert OracleConfig.decode(grid.chain.data(grid.at.oracle.config) or b"").reading_count == 2


def test_an_attested_batch_is_told_with_its_root_and_rules():
    grid = Grid.initialised()
    rules = sha256(b"rules").digest()
    grid.send(oracle.set_rule_set(grid.at, authority=grid.authority.pubkey(), rule_set_hash=rules), grid.authority)
    devices = grid.meters(2, proof=2)

    landed = grid.attest(
        devices[0].attested(1, 1_000, measured_at=grid.now, sequence=9),
        devices[1].attested(4, 0, 300, measured_at=grid.now - 900),
    )

    told = grid.events(landed)[-1]
    assert (told.fields["proof"], told.fields["batch"]) == (2, 1)
    assert (told.fields["merkle_root"], told.fields["rule_set_hash"]) == (ROOT.hex(), rules.hex())
    first, second = told.fields["items"]
    assert (first["meter_id"], first["sequence"], first["measured_at"], first["generation_wh"]) == ("MTR-001", 9, NOW, 1_000)
    assert (second["meter_id"], second["measured_at"], second["consumption_wh"]) == ("MTR-002", NOW - 900, 300)


def test_the_roots_of_batches_form_a_mountain_range():
    grid = Grid.initialised()
    device = grid.meter(proof=2)
    batch_roots = [bytes([number]) * 32 for number in range(1, 6)]

    for number, root in enumerate(batch_roots, 1):
        grid.attest(device.attested(number, 10 * number, measured_at=grid.now - 900 + number), merkle_root=root)

    def node(tag: int, left: bytes, right: bytes) -> bytes:
        return sha256(bytes([tag]) + left + right).digest()

    entries = [node(2, root, bytes(32)) for root in batch_roots]
    pairs = [node(1, entries[0], entries[1]), node(1, entries[2], entries[3])]
    assert roots(grid).count == 5
    assert roots(grid).peaks[0] == entries[4]
    assert roots(grid).peaks[2] == node(1, *pairs)


def test_three_of_three_attesters_sign_twenty_meters_in_one_packet():
    grid = Grid.initialised(attesters=3, threshold=3)
    devices = grid.meters(20, proof=2)

    landed = grid.attest(
        *(device.attested(1, 1_000, measured_at=grid.now) for device in devices),
        attesters=grid.attesters,
        tables=[grid.table(devices)],
    )

    assert grid.supply() == 20 * 1_000 * WH
    assert landed.size <= PACKET_DATA_SIZE
    assert len(landed.keys) <= 64


def test_two_of_three_attesters_are_enough_where_two_are_asked_for():
    grid = Grid.initialised(attesters=3, threshold=2)
    device = grid.meter(proof=2)

    grid.attest(device.attested(1, 1_000, measured_at=grid.now), attesters=grid.attesters[1:])

    assert grid.supply() == 1_000 * WH


@pytest.mark.parametrize("waited_s", [7 * 86_400, 30 * 86_400])
def test_the_owner_submits_alone_after_seven_days_without_an_update(waited_s: int):
    grid = Grid.initialised()
    device = grid.meter()
    grid.chain.warp(waited_s)
    owner = device.owner

    reading = device.reading(1, 1_000, measured_at=grid.now)
    grid.send(grid.proven(reading, submitter=owner.pubkey()), owner, payer=owner, check_size=False)

    assert grid.tokens(owner.pubkey()) == 1_000 * WH
