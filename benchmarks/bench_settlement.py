"""Settlement in figures: compute units, meters per transaction, and the time from intake to minted tokens.

Prints one JSON object. Run it as `python -m benchmarks.bench_settlement`. Everything is real: the programs in the embedded
chain with slots of 400 ms, the intake, the bridge, an SQLite file.
"""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.signature import Signature

from core.domain.readings import ProofKind
from core.runtime import logging
from oracle_bridge.composer import BridgeKeys, SolanaComposer
from oracle_bridge.lookup_tables import LookupTables, shared_addresses
from oracle_bridge.planner import plan
from programs.client.instructions import compute_budget, oracle
from programs.client.instructions.oracle import AttestedReading, ProvenReading
from programs.client.instructions.registry import MeterAccounts
from programs.client.transactions import compile_v0, wire
from tests.property.bridge.test_planner import due
from tests.support.enrolled import Device
from tests.support.running_bridge import Running, names, running, until_idle

UNITS = 1_400_000
PROVEN = 5
ATTESTED = 20
THRESHOLD = 3
ROUNDS = 10
SLOT_MS = 400


def main() -> None:
    """Print what was measured, with the goals."""
    logging.configure("warning", "text")
    rows = asyncio.run(_measure())
    print(json.dumps({what: {"goal": goal, "measured": measured} for what, goal, measured in rows}, ensure_ascii=False, indent=1))


async def _measure() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), slot_ms=SLOT_MS, attesters=THRESHOLD, threshold=THRESHOLD) as world:
            proven = await _add(world, "DEV", PROVEN + 19, ProofKind.DEVICE)
            attested = await _add(world, "ATT", ATTESTED, ProofKind.ATTESTED)
            return [*await _compute_units(world, proven[:PROVEN], attested), *await _latency(world, proven, attested)]


async def _add(world: Running, prefix: str, count: int, proof: ProofKind) -> list[Device]:
    return list(await asyncio.gather(*(world.add_meter(name, proof=proof) for name in names(prefix, count))))


async def _compute_units(world: Running, proven: Sequence[Device], attested: Sequence[Device]) -> list[tuple[str, str, str]]:
    tables = LookupTables(
        store=world.store, chain=world.chain.client, payer=world.chain.keys.payers[0], at=world.chain.at, clock=world.clock
    )
    await tables.ensure()
    table = next(iter(tables.active.values()))
    rows: list[tuple[str, str, str]] = []
    for name, goal, devices in (("proven", 6_000, proven), ("attested", 2_500, attested)):
        credit = await _simulate(world, name, devices, table, settle=False)
        whole = await _simulate(world, name, devices, table, settle=True)
        rows += [
            (f"compute units a reading, {name}, {len(devices)} a transaction", f"≤ {goal}", str(credit // len(devices))),
            (f"compute units a settlement (mint), {name}", "≤ 12000", str((whole - credit) // len(devices))),
            (f"compute units a reading with settlement, {name}", "", str(whole // len(devices))),
        ]
    return rows + _packing(world)


async def _simulate(
    world: Running, name: str, devices: Sequence[Device], table: AddressLookupTableAccount, *, settle: bool
) -> int:
    """Compute units of one transaction that credits 1 kWh a meter."""
    at, attesters = world.chain.at, [signer.pubkey for signer in world.chain.keys.attesters]
    zones = [at.zone(1)] if settle else None
    accounts = [MeterAccounts(at.meter(one.meter_id), at.token_account(Pubkey.from_string(one.wallet))) for one in devices]
    budget = [compute_budget.set_limit(UNITS), compute_budget.set_price(1)]
    instructions: list[Instruction]
    if name == "proven":
        readings = [_proven(world, *pair) for pair in zip(devices, accounts, strict=True)]
        instructions = [
            *budget,
            *oracle.submit_meter_reading(at, submitter=attesters[0], readings=readings, zones=zones, instruction_index=3),
        ]
    else:
        entries = [_attested(world, place) for place in accounts]
        instructions = [
            *budget,
            oracle.submit_reading_batch(
                at, attesters=attesters[:THRESHOLD], readings=entries, merkle_root=bytes(32), zones=zones
            ),
        ]
    blockhash, _ = await world.chain.client.latest_blockhash()
    message = compile_v0(attesters[0], instructions, [table], blockhash)
    body = wire(message, [Signature.default()] * message.header.num_required_signatures)
    outcome = await world.chain.client.simulate(body)
    if outcome.err is not None or outcome.compute_units is None:
        raise RuntimeError(f"the benchmark's transaction fails: {outcome.err}")
    return outcome.compute_units


def _proven(world: Running, device: Device, accounts: MeterAccounts) -> ProvenReading:
    statement = device.states(1, 1_000, 0, measured_at=world.measured_at(1))
    return ProvenReading(
        key=device.key.public_key,
        signature=device.signs(statement),
        statement=device.binary(statement)[1:65],
        accounts=accounts,
    )


def _attested(world: Running, accounts: MeterAccounts) -> AttestedReading:
    return AttestedReading(
        entry_number=1,
        sequence=1,
        measured_at=world.measured_at(1),
        generation_wh=1_000,
        consumption_wh=0,
        quality=100,
        accounts=accounts,
    )


def _packing(world: Running) -> list[tuple[str, str, str]]:
    """Meters that the planner puts into one transaction, by itself."""
    keys = BridgeKeys(attesters=world.chain.keys.attesters, payers=world.chain.keys.payers, threshold=THRESHOLD)
    at = world.chain.at
    rows: list[tuple[str, str, str]] = []
    for proof, goal in ((ProofKind.DEVICE, "≥ 5"), (ProofKind.ATTESTED, "≥ 20")):
        meters = [due(number, proof=proof, table="table") for number in range(60)]
        own = [key for one in meters for key in (at.meter(one.meter_id), Pubkey.from_string(one.token_account))]
        table = AddressLookupTableAccount(key=at.mint, addresses=[*shared_addresses(at), at.zone(1), *own])
        composer = SolanaComposer(at=at, keys=keys, tables={"table": table})
        plans = plan(meters, measure=composer.measure)
        most = max(len(one.meters) for one in plans)
        kind = "proven" if proof is ProofKind.DEVICE else f"attested by {THRESHOLD}"
        rows.append((f"meters a transaction with settlement, {kind}", goal, str(most)))
    return rows


async def _latency(world: Running, proven: Sequence[Device], attested: Sequence[Device]) -> list[tuple[str, str, str]]:
    """Rounds of readings of all meters, each round as it would arrive in one micro-batch."""
    devices = [*proven, *attested]
    async with world.bridge() as bridge:
        intake = world.intake(bridge)
        for step in range(1, ROUNDS + 1):
            await world.say(intake, *((device, step, 1_000 * step, 0) for device in devices))
            await until_idle(bridge)
        totals, latency = await bridge.totals(), bridge.latency
        report = await bridge.audit()
    if not report.ok:
        raise RuntimeError(f"the books do not add up: {report.failures}")
    transactions, carried = totals.transactions("landed"), totals.items("landed")
    return [
        (f"intake → minted, p50, ms ({latency.samples} readings)", "≤ 2000", str(latency.percentile_ms(50))),
        ("intake → minted, p95, ms", "", str(latency.percentile_ms(95))),
        ("meters a transaction, both proofs mixed, mean", "", f"{carried / transactions:.1f}"),
        ("compute units a reading with settlement, mean", "", str(totals.compute_units("landed") // carried)),
    ]


if __name__ == "__main__":
    main()
