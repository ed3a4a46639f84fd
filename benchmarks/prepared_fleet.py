"""The fleet that the ingest benchmarks share: its keys, its rows, and all that it will say, signed beforehand."""

from collections.abc import Mapping
from typing import Final

from broker.passwords import hash_password
from core.domain.identity import parse_fleet, parse_meter_id
from core.domain.readings import AssetKind, ProofKind, Statement, StatementKind
from core.runtime.clock import FixedClock
from core.store import Store
from devices.keys import DeviceKey
from devices.provisioning import MeterImport, record_bound_meter
from devices.statement import encode_statement

NETWORK: Final = b"benchnet"
FLEET: Final = parse_fleet("bench")
BASE_AT: Final = 1_700_000_100
CADENCE_S: Final = 900
METERS: Final = 64
READINGS: Final = 256
"""Of each meter."""
NOW: Final = BASE_AT + (READINGS + 1) * CADENCE_S

Signed = tuple[Statement, bytes, DeviceKey]


def draw_keys() -> dict[str, DeviceKey]:
    """Each meter's key by its id."""
    return {f"B-{number:04}": DeviceKey(number.to_bytes(32, "big")) for number in range(1, METERS + 1)}


def sign_readings(keys: Mapping[str, DeviceKey]) -> list[Signed]:
    """Every meter's readings in order of time, meters side by side, as a fleet sends them."""
    signed: list[Signed] = []
    for sequence in range(1, READINGS + 1):
        for meter_id, key in keys.items():
            statement = Statement(
                kind=StatementKind.REGISTER,
                network=NETWORK,
                meter_id=parse_meter_id(meter_id),
                sequence=sequence,
                measured_at=BASE_AT + sequence * CADENCE_S,
                generation_wh=sequence * 250,
                consumption_wh=sequence * 40,
            )
            signed.append((statement, key.sign(encode_statement(statement)), key))
    return signed


async def enrol(store: Store, keys: Mapping[str, DeviceKey], clock: FixedClock) -> None:
    """Write the rows that a bound meter has."""
    async with store.begin() as session:
        for meter_id, key in keys.items():
            meter = MeterImport(
                meter_id=parse_meter_id(meter_id),
                legacy_id=None,
                owner=key.public_text,
                asset_kind=AssetKind.COMMERCIAL,
                statement_kind=StatementKind.REGISTER,
                proof_kind=ProofKind.DEVICE,
                zone=1,
                rated_power_out_w=100_000,
                rated_power_in_w=100_000,
                public_key=key.public_text,
                base_sequence=0,
                base_measured_at=BASE_AT,
                base_generation_wh=0,
                base_consumption_wh=0,
            )
            await record_bound_meter(
                session,
                meter,
                fleet=FLEET,
                token_account=key.public_text,
                owner_verified=True,
                hash_password=hash_password,
                clock=clock,
            )
