from collections.abc import Sequence
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from core.domain.readings import ProofKind, StatementKind
from core.store.work import DueMeter
from oracle_bridge.composer import BridgeKeys, SolanaComposer
from oracle_bridge.lookup_tables import shared_addresses
from oracle_bridge.planner import LIMITS, Footprint, Limits, Plan, kind_for, plan, plan_settlements
from programs.client.addresses import addresses_of
from programs.client.signer import KeypairSigner
from programs.client.transactions import account_count

AT = addresses_of()
TABLE = str(Pubkey.from_bytes(sha256(b"table").digest()))
METERS = 118


def key_of(name: str) -> Keypair:
    return Keypair.from_seed(sha256(name.encode()).digest())


def due(
    number: int, *, proof: ProofKind, zone: int = 1, table: str | None = None, sequence: int = 1, alone: bool = False
) -> DueMeter:
    key = key_of(f"M-{number}")
    statement = bytes(64)
    return DueMeter(
        meter_id=f"M-{number}",
        wallet_address=str(key.pubkey()),
        token_account=str(token_account(number)),
        zone=zone,
        proof_kind=int(proof),
        statement_kind=int(StatementKind.REGISTER),
        sequence=sequence,
        ordinal=sequence,
        measured_at=1_700_000_000,
        credited_generation_wh=1,
        credited_consumption_wh=0,
        register_generation_wh=1,
        register_consumption_wh=0,
        statement=statement,
        signature=str(key.sign_message(statement)),
        public_key=str(key.pubkey()),
        alone=alone,
        lookup_table=table,
    )


def token_account(number: int) -> Pubkey:
    return Pubkey.from_bytes(sha256(f"tokens {number}".encode()).digest())


def composer(threshold: int = 1) -> SolanaComposer:
    keys = BridgeKeys(
        attesters=tuple(KeypairSigner(key_of(f"attester {number}")) for number in range(3)),
        payers=(KeypairSigner(key_of("payer")),),
        threshold=threshold,
    )
    own = [key for number in range(METERS) for key in (AT.meter(f"M-{number}"), token_account(number))]
    table = AddressLookupTableAccount(
        key=Pubkey.from_string(TABLE), addresses=[*shared_addresses(AT), *(AT.zone(zone) for zone in (1, 2)), *own]
    )
    return SolanaComposer(at=AT, keys=keys, tables={TABLE: table})


meters = st.lists(
    st.builds(
        due,
        st.integers(0, METERS - 1),
        proof=st.sampled_from(ProofKind),
        zone=st.integers(1, 9),
        table=st.sampled_from([TABLE, None, "gone"]),
        sequence=st.integers(1, 5),
        alone=st.booleans(),
    ),
    max_size=40,
)


@settings(max_examples=25, deadline=None)
@given(meters, st.integers(1, 3))
def test_no_plan_exceeds_a_limit_and_every_due_meter_is_in_exactly_one(meters: list[DueMeter], threshold: int):
    real = composer(threshold)

    plans = plan(meters, measure=real.measure)

    assert all(LIMITS.allow(real.measure(one.kind, one.meters, one.lookup_table)) for one in plans)
    _each_once(meters, plans)


@settings(max_examples=25, deadline=None)
@given(meters)
def test_settlement_plans_keep_the_same_promises(meters: list[DueMeter]):
    real = composer()

    plans = plan_settlements(meters, measure=real.measure)

    assert all(LIMITS.allow(real.measure(one.kind, one.meters, one.lookup_table)) for one in plans)
    assert sorted(meter.meter_id for one in plans for meter in one.meters) == sorted({meter.meter_id for meter in meters})


@settings(max_examples=200, deadline=None)
@given(
    meters,
    st.integers(1, 3_000),
    st.integers(1, 70),
    st.integers(1, 24),
    st.dictionaries(st.sampled_from(["proven", "attested"]), st.integers(20, 900), min_size=2),
)
def test_the_planner_keeps_any_limits_it_is_given(
    meters: list[DueMeter], size: int, accounts: int, most: int, cost: dict[str, int]
):
    limits = Limits(size_bytes=size, accounts=accounts, compute_units=10_000, meters=most, zones=3)

    def measure(kind: str, meters: Sequence[DueMeter], lookup_table: str | None) -> Footprint:
        del lookup_table
        return Footprint(size_bytes=cost[kind] * len(meters), accounts=5 + 2 * len(meters), compute_units=400 * len(meters))

    plans = plan(meters, measure=measure, limits=limits)

    assert all(len(one.meters) == 1 or limits.allow(measure(one.kind, one.meters, one.lookup_table)) for one in plans)
    assert all(len(one.meters) <= most and len({meter.zone for meter in one.meters}) <= 3 for one in plans)
    _each_once(meters, plans)


async def test_a_full_transaction_is_as_small_as_it_was_measured():
    real = composer(threshold=3)
    full = [due(number, proof=ProofKind.DEVICE, table=TABLE) for number in range(20)]
    full += [due(number, proof=ProofKind.ATTESTED, table=TABLE) for number in range(20, 60)]

    plans = plan(full, measure=real.measure)

    for one in plans:
        signed = await real.compose(one, payer=real.payer_for(one.kind, 0), salt=1_023, blockhash=Hash.default())
        measured = real.measure(one.kind, one.meters, one.lookup_table)
        assert len(signed.wire) == measured.size_bytes <= 1_232
        transaction = VersionedTransaction.from_bytes(signed.wire)
        assert account_count(transaction.message) == measured.accounts  # pyright: ignore[reportArgumentType]  # a version 0 message
    assert max(len(one.meters) for one in plans if one.kind == "proven") >= 5
    assert max(len(one.meters) for one in plans if one.kind == "attested") >= 20


def _each_once(meters: list[DueMeter], plans: list[Plan]) -> None:
    planned = [meter for one in plans for meter in one.meters]
    assert sorted(meter.meter_id for meter in planned) == sorted({meter.meter_id for meter in meters})
    newest = {meter.meter_id: max(m.sequence for m in meters if m.meter_id == meter.meter_id) for meter in meters}
    for one in plans:
        for meter in one.meters:
            assert meter.sequence == newest[meter.meter_id]
            assert (kind_for(meter), meter.lookup_table) == (one.kind, one.lookup_table)
            assert not meter.alone or len(one.meters) == 1
