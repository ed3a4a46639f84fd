"""Ed25519's edges on the chain: bindings, readings and transactions, on this SVM and on the newer one.

The chain takes what holds strictly and nothing else. Of keys it refuses those of small order; a key of mixed order passes
the precompile, and only the platform's own signature, which it never gives to such a key, stands before its binding.
"""

from dataclasses import replace
from typing import Final

import pytest
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from programs.client.accounts import MeterAccount
from programs.client.enrolment import MeterEnrolment
from programs.client.instructions.oracle import ProvenReading
from programs.client.messages import BINDING_MAGIC, Binding
from tests.support.edge_signatures import NAMES, UNDER_A_SOUND_KEY, Edge, edge_of
from tests.support.grid import Device, Grid
from tests.support.svm import Refused

METER: Final = "MTR-EDGE"
SEED: Final = bytes(range(32, 64))
KEY: Final = Keypair.from_seed(SEED)
CHECK: Final = {"a binding": 0, "a reading": 2}
"""Where the Ed25519 instruction stands."""


@pytest.fixture
def grid() -> Grid:
    return Grid.initialised()


def enrolment_by(grid: Grid, owner: Keypair, name: str) -> tuple[MeterEnrolment, Edge]:
    enrolment = grid.enrolment(METER, owner.pubkey(), KEY)
    message = Binding(BINDING_MAGIC, grid.network, METER, owner.pubkey(), 0, enrolment.base_measured_at, 0, 0).pack()
    edge = edge_of(name, message, SEED)
    return replace(enrolment, device_key=Pubkey(edge.public_key), signature=edge.signature), edge


def bound_key(grid: Grid) -> Pubkey:
    data = grid.chain.data(grid.at.meter(METER))
    assert data is not None
    return MeterAccount.decode(data).device_key


def stopped_in_the_check(refusal: Refused, what: str) -> bool:
    return refusal.instruction == CHECK[what]


@pytest.mark.parametrize("name", NAMES)
def test_a_binding_is_taken_exactly_when_its_signature_holds(grid: Grid, name: str):
    owner = grid.user()
    enrolment, edge = enrolment_by(grid, owner, name)
    signers = [owner, grid.provisioner]

    if edge.holds:
        grid.send(grid.registration(enrolment), *signers)
        assert bound_key(grid) == Pubkey(edge.public_key)
    else:
        assert stopped_in_the_check(grid.chain.refused(grid.registration(enrolment), signers), "a binding")
        assert grid.chain.data(grid.at.meter(METER)) is None


def with_key(grid: Grid, device: Device, key: bytes) -> None:
    """Put another device key into the meter's account, past all rules: what if it had been bound after all?"""
    data = grid.chain.data(device.address)
    assert data is not None
    assert data.count(bytes(device.key.pubkey())) == 1
    grid.chain.write(device.address, data.replace(bytes(device.key.pubkey()), key), grid.at.registry.id)


@pytest.mark.parametrize("name", NAMES)
def test_a_reading_is_taken_exactly_when_its_signature_holds(grid: Grid, name: str):
    device = grid.meter(METER, key=KEY)
    statement = device.statement(1, 2_000, measured_at=grid.now)
    edge = edge_of(name, statement, SEED)
    with_key(grid, device, edge.public_key)
    reading = ProvenReading(edge.public_key, edge.signature, statement, device.accounts)

    if edge.holds:
        grid.submit(reading)
    else:
        refusal = grid.chain.refused(grid.proven(reading), [grid.attesters[0]], payer=grid.attesters[0], check_size=False)
        assert stopped_in_the_check(refusal, "a reading")
    assert grid.supply() == (2_000_000_000 if edge.holds else 0)
    assert grid.meter_account(device).last_sequence == (1 if edge.holds else 0)


def test_a_second_genuine_signature_of_the_same_reading_mints_nothing_more(grid: Grid):
    """Who holds the key can sign again with another nonce; the ledger counts by number, never by signature."""
    device = grid.meter(METER, key=KEY)
    reading = device.reading(1, 2_000, measured_at=grid.now)
    again = edge_of("genuine", reading.statement, SEED).signature
    grid.submit(reading)

    assert again != reading.signature
    assert grid.refused(
        grid.proven(replace(reading, signature=again)), grid.attesters[0], payer=grid.attesters[0], check_size=False
    )
    assert grid.supply() == 2_000_000_000


@pytest.mark.parametrize("name", UNDER_A_SOUND_KEY)
def test_a_transaction_is_taken_exactly_when_its_payers_signature_holds(grid: Grid, name: str):
    grid.chain.fund(KEY.pubkey())
    receiver = Keypair.from_seed(bytes(32)).pubkey()
    pays = transfer(TransferParams(from_pubkey=KEY.pubkey(), to_pubkey=receiver, lamports=1_000_000_000))
    message = MessageV0.try_compile(KEY.pubkey(), [pays], [], grid.chain.blockhash())
    edge = edge_of(name, bytes([0x80]) + bytes(message), SEED)

    result = grid.chain.svm.send_transaction(VersionedTransaction.populate(message, [Signature(edge.signature)]))

    assert isinstance(result, FailedTransactionMetadata) is not edge.holds
    assert grid.chain.lamports(receiver) == (1_000_000_000 if edge.holds else 0)
