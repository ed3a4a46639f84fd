"""The Python client and the committed interface descriptions say the same, byte for byte."""

from dataclasses import dataclass
from typing import Any

import pytest
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.accounts import (
    DeviceKeyAccount,
    EnergyTokenConfig,
    MeterAccount,
    OracleConfig,
    RegistryConfig,
    RootsAccount,
    UserAccount,
    ZoneAccount,
)
from programs.client.accounts.record import AccountRecord
from programs.client.addresses import addresses_of
from programs.client.error_codes import BY_PROGRAM
from programs.client.events import energy_token as token_events
from programs.client.events import oracle as oracle_events
from programs.client.events import registry as registry_events
from programs.client.ids import PROGRAM_IDS
from programs.client.instructions import energy_token, oracle, registry
from programs.client.instructions.oracle import AttestedReading, ProvenReading
from programs.client.instructions.registry import MeterAccounts
from programs.client.instructions.registry.settings import CorrectionLimits
from programs.client.layout import Record
from programs.client.messages import BINDING_MAGIC, ROTATION_MAGIC, Binding, Rotation
from tests.support import idl

AT = addresses_of()
KEYS = [Pubkey(bytes([number] * 32)) for number in range(1, 20)]
A, B, C, D, E, F = KEYS[:6]
NETWORK = b"networks"
HASH = bytes(range(32))
SIGNATURE = bytes(range(64))
METER = "MTR-001"
METER_BYTES = METER.encode().ljust(16, b"\0")
ACCOUNTS = {
    "registry": (RegistryConfig, UserAccount, ZoneAccount, MeterAccount, DeviceKeyAccount),
    "oracle": (OracleConfig, RootsAccount),
    "energy_token": (EnergyTokenConfig,),
}
EVENTS = {"registry": registry_events.EVENTS, "oracle": oracle_events.EVENTS, "energy_token": token_events.EVENTS}
BINDING = Binding(BINDING_MAGIC, NETWORK, METER, A, 1, 2, 3, 4)
BINDING_FIELDS = {
    "magic": BINDING_MAGIC,
    "network": NETWORK,
    "meter_id": METER_BYTES,
    "owner": A,
    "sequence": 1,
    "measured_at": 2,
    "base_generation_wh": 3,
    "base_consumption_wh": 4,
}
ROTATION = Rotation(ROTATION_MAGIC, NETWORK, METER, D, 9)
ROTATION_FIELDS = {"magic": ROTATION_MAGIC, "network": NETWORK, "meter_id": METER_BYTES, "new_key": D, "valid_from": 9}
LIMITS = CorrectionLimits(cap_wh=5, window_s=6, delay_s=7)
PLACE = MeterAccounts(KEYS[10], KEYS[11])
STATEMENT = {
    "magic": b"GTXREG\0\1",
    "network": NETWORK,
    "meter_id": METER_BYTES,
    "sequence": 1,
    "measured_at": 2,
    "generation_wh": 3,
    "consumption_wh": 4,
}
PACKED_STATEMENT = b"GTXREG\0\1" + NETWORK + METER_BYTES + b"".join(n.to_bytes(8, "little") for n in (1, 2, 3, 4))
PROVEN = ProvenReading(bytes(D), SIGNATURE, PACKED_STATEMENT, PLACE)
ATTESTED = AttestedReading(
    entry_number=1, sequence=2, measured_at=100, generation_wh=3, consumption_wh=4, quality=99, accounts=PLACE
)
ATTESTED_FIELDS = {
    "entry_number": 1,
    "sequence": (2).to_bytes(6, "little"),
    "measured_after_s": 0,
    "generation_wh": (3).to_bytes(7, "little"),
    "consumption_wh": (4).to_bytes(7, "little"),
    "quality": 99,
}
READING = {"sequence": 1, "measured_at": 2, "entry_number": 0, "generation_wh": 3, "consumption_wh": 4, "quality": 100}


@dataclass(frozen=True)
class Case:
    program: str
    name: str
    built: Instruction
    arguments: dict[str, Any]
    accounts: dict[str, Pubkey]
    remaining: int = 0

    def __str__(self) -> str:
        return f"{self.program}.{self.name}"


def _handover(module: Any, program: str) -> list[Case]:
    return [
        Case(
            program,
            "propose_authority",
            module.propose_authority(AT, authority=A, new_authority=B),
            {"new_authority": B},
            {"authority": A},
        ),
        Case(program, "accept_authority", module.accept_authority(AT, pending_authority=B), {}, {"pending_authority": B}),
    ]


def _registry() -> list[Case]:
    user, meter, zone = AT.user(A), AT.meter(METER), AT.zone(3)
    base = {"zone": zone, "meter": PLACE.meter, "token_account": PLACE.token_account}
    return [
        Case(
            "registry",
            "initialize",
            registry.initialize(
                AT,
                payer=A,
                upgrade_authority=B,
                genesis_hash=HASH,
                authority=C,
                provisioner=D,
                auditor=E,
                limits=LIMITS,
                governance_program=F,
            ),
            {
                "genesis_hash": HASH,
                "authority": C,
                "provisioner": D,
                "auditor": E,
                "governance_program": F,
                "correction_cap_wh": 5,
                "correction_window_s": 6,
                "correction_delay_s": 7,
            },
            {"payer": A, "upgrade_authority": B},
        ),
        Case(
            "registry",
            "set_roles",
            registry.set_roles(AT, authority=A, provisioner=B, auditor=C),
            {"provisioner": B, "auditor": C},
            {"authority": A},
        ),
        Case(
            "registry",
            "set_roles",
            registry.set_roles(AT, authority=A, provisioner=B, auditor=C, old_auditor=D),
            {"provisioner": B, "auditor": C},
            {"authority": A, "old_auditor": D, "new_auditor": C},
        ),
        Case("registry", "set_paused", registry.set_paused(AT, authority=A, paused=3), {"paused": 3}, {"authority": A}),
        Case(
            "registry",
            "set_correction_limits",
            registry.set_correction_limits(AT, authority=A, auditor=B, limits=LIMITS),
            {"cap_wh": 5, "window_s": 6, "delay_s": 7},
            {"authority": A, "auditor": B},
        ),
        Case(
            "registry",
            "register_user",
            registry.register_user(AT, wallet=A, kind=2),
            {"kind": 2},
            {"wallet": A, "token_account": AT.token_account(A)},
        ),
        Case(
            "registry",
            "verify_user",
            registry.verify_user(AT, authority=B, wallet=A, zone=3),
            {"zone": 3, "verified": 1},
            {"authority": B, "user": user},
        ),
        Case(
            "registry",
            "create_zone",
            registry.create_zone(AT, payer=A, authority=B, zone=3, zone_authority=C, mint_cap_wh=10, window_s=11),
            {"zone": 3, "zone_authority": C, "mint_cap_wh": 10, "window_s": 11},
            {"payer": A, "authority": B},
        ),
        Case(
            "registry",
            "set_zone",
            registry.set_zone(AT, zone_authority=A, zone=3, mint_cap_wh=10, window_s=11, pending_authority=B),
            {"mint_cap_wh": 10, "window_s": 11, "pending_authority": B},
            {"zone_authority": A, "zone": zone},
        ),
        Case(
            "registry",
            "accept_zone_authority",
            registry.accept_zone_authority(AT, pending_authority=A, zone=3),
            {},
            {"pending_authority": A, "zone": zone},
        ),
        Case(
            "registry",
            "register_meter",
            registry.register_meter(
                AT,
                payer=B,
                owner=A,
                provisioner=C,
                binding=BINDING,
                signature=SIGNATURE,
                device_key=D,
                rated_power_out_w=100,
                rated_power_in_w=200,
                zone=3,
                statement_kind=1,
                proof=1,
                asset_kind=5,
                instruction_index=1,
            )[1],
            {
                "binding": BINDING_FIELDS,
                "signature": SIGNATURE,
                "device_key": D,
                "rated_power_out_w": 100,
                "rated_power_in_w": 200,
                "zone": 3,
                "statement_kind": 1,
                "proof": 1,
                "asset_kind": 5,
            },
            {"payer": B, "owner": A, "provisioner": C},
        ),
        Case(
            "registry",
            "set_meter_status",
            registry.set_meter_status(AT, authorities=[A], meter_id=METER, status=3),
            {"status": 3},
            {"signer": A, "meter": meter},
        ),
        Case(
            "registry",
            "set_meter_status",
            registry.set_meter_status(AT, authorities=[A, B], meter_id=METER, status=2),
            {"status": 2},
            {"signer": A, "auditor": B, "meter": meter},
        ),
        Case(
            "registry",
            "resume_meter",
            registry.resume_meter(AT, provisioner=C, binding=BINDING, signature=SIGNATURE, device_key=D, instruction_index=1)[1],
            {"binding": BINDING_FIELDS, "signature": SIGNATURE, "device_key": D},
            {"provisioner": C},
        ),
        Case(
            "registry",
            "rotate_device_key",
            registry.rotate_device_key(
                AT,
                payer=A,
                provisioner=B,
                rotation=ROTATION,
                old_key=C,
                old_signature=SIGNATURE,
                new_signature=SIGNATURE[::-1],
                instruction_index=1,
            )[1],
            {"rotation": ROTATION_FIELDS, "old_key": C, "old_signature": SIGNATURE, "new_signature": SIGNATURE[::-1]},
            {"payer": A, "provisioner": B},
        ),
        Case(
            "registry",
            "revoke_device_key",
            registry.revoke_device_key(AT, authority=A, meter_id=METER, key=D),
            {"key": D},
            {"signer": A, "meter": meter},
        ),
        Case(
            "registry",
            "submit_meter_reading",
            registry.submit_meter_reading(
                AT,
                oracle_authority=None,
                proof=1,
                readings=[idl.encode("registry", {"defined": {"name": "MeterReading"}}, READING)],
                zones=None,
                meters=[PLACE],
            ),
            {"proof": 1, "zones": 255, "items": [READING]},
            {},
            remaining=1,
        ),
        Case(
            "registry",
            "settle_and_mint_tokens",
            registry.settle_and_mint_tokens(AT, owner=A, zone=3, meter=PLACE),
            {},
            {"owner": A, **base},
        ),
        Case(
            "registry",
            "settle_meter_balance",
            registry.settle_meter_balance(AT, zones=[zone], meters=[PLACE, PLACE]),
            {"zones": 1},
            {},
            remaining=5,
        ),
        Case("registry", "get_unsettled_balance", registry.get_unsettled_balance(AT, meter=meter), {}, {"meter": meter}),
        Case(
            "registry",
            "record_correction",
            registry.record_correction(AT, authority=A, auditor=B, meter_id=METER, amount_wh=-5, reason=7, evidence=HASH),
            {"amount_wh": -5, "reason": 7, "evidence": HASH},
            {"authority": A, "auditor": B, "meter": meter},
        ),
        Case("registry", "apply_correction", registry.apply_correction(AT, meter_id=METER), {}, {"meter": meter}),
        Case(
            "registry",
            "cancel_correction",
            registry.cancel_correction(AT, canceller=A, meter_id=METER),
            {},
            {"signer": A, "meter": meter},
        ),
        *_handover(registry, "registry"),
    ]


def _oracle() -> list[Case]:
    return [
        Case(
            "oracle",
            "initialize",
            oracle.initialize(AT, payer=A, upgrade_authority=B, genesis_hash=HASH, authority=C, rule_set_hash=HASH[::-1]),
            {"genesis_hash": HASH, "authority": C, "rule_set_hash": HASH[::-1]},
            {"payer": A, "upgrade_authority": B},
        ),
        Case(
            "oracle",
            "set_attesters",
            oracle.set_attesters(AT, authority=A, attesters=[B, C], threshold=2),
            {"attesters": [B, C], "threshold": 2},
            {"authority": A},
        ),
        Case(
            "oracle",
            "set_rule_set",
            oracle.set_rule_set(AT, authority=A, rule_set_hash=HASH),
            {"rule_set_hash": HASH},
            {"authority": A},
        ),
        Case("oracle", "set_paused", oracle.set_paused(AT, authority=A, paused=1), {"paused": 1}, {"authority": A}),
        Case(
            "oracle",
            "submit_meter_reading",
            oracle.submit_meter_reading(AT, submitter=A, readings=[PROVEN, PROVEN], zones=[AT.zone(1)], instruction_index=3)[1],
            {"zones": 1, "readings": [{"key": D, "signature": SIGNATURE, "statement": STATEMENT}] * 2},
            {"submitter": A},
            remaining=6 + 1 + 4,
        ),
        Case(
            "oracle",
            "submit_reading_batch",
            oracle.submit_reading_batch(AT, attesters=[A, B], readings=[ATTESTED], merkle_root=HASH, zones=None),
            {"attesters": 2, "zones": 255, "merkle_root": HASH, "base_measured_at": 100, "readings": [ATTESTED_FIELDS]},
            {},
            remaining=2 + 1,
        ),
        *_handover(oracle, "oracle"),
    ]


def _energy_token() -> list[Case]:
    return [
        Case(
            "energy_token",
            "initialize",
            energy_token.initialize(
                AT, payer=A, upgrade_authority=B, authority=C, name="GridTokenX Energy", symbol="GRID", uri="x"
            ),
            {"authority": C, "name": "GridTokenX Energy", "symbol": "GRID", "uri": "x"},
            {"payer": A, "upgrade_authority": B},
        ),
        Case(
            "energy_token",
            "set_minting_enabled",
            energy_token.set_minting_enabled(AT, authority=A, enabled=True),
            {"enabled": 1},
            {"authority": A},
        ),
        Case(
            "energy_token",
            "mint_from_production",
            energy_token.mint_from_production(AT, amounts=[(A, 5)]),
            {"items": [{"amount": 5}]},
            {},
            remaining=1,
        ),
        Case(
            "energy_token",
            "burn_for_consumption",
            energy_token.burn_for_consumption(AT, amounts=[(A, 5), (B, 6)]),
            {"items": [{"amount": 5}, {"amount": 6}]},
            {},
            remaining=2,
        ),
        Case(
            "energy_token",
            "retire_tokens",
            energy_token.retire_tokens(AT, holder=A, amount=5, beneficiary="Ana", reason="2026"),
            {"amount": 5, "beneficiary": "Ana", "reason": "2026"},
            {"holder": A, "token_account": AT.token_account(A)},
        ),
        *_handover(energy_token, "energy_token"),
    ]


CASES = [*_registry(), *_oracle(), *_energy_token()]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_instruction_is_what_the_description_says(case: Case):
    expected = idl.instruction(case.program, case.name, case.arguments, case.accounts)

    assert case.built.program_id == expected.program_id
    assert bytes(case.built.data).hex() == bytes(expected.data).hex()
    assert case.built.accounts[: len(expected.accounts)] == expected.accounts
    assert len(case.built.accounts) == len(expected.accounts) + case.remaining


@pytest.mark.parametrize("program", idl.PROGRAMS)
def test_every_instruction_of_a_program_can_be_built(program: str):
    described = {row["name"] for row in idl.load(program)["instructions"]}

    assert {case.name for case in CASES if case.program == program} == described


@pytest.mark.parametrize("program", idl.PROGRAMS)
def test_ids_agree(program: str):
    assert idl.load(program)["address"] == str(getattr(PROGRAM_IDS, program))


def _layout(record: type[Record]) -> list[tuple[str, Any]]:
    return [(name, wire.idl) for name, wire in record.wires]


@pytest.mark.parametrize(("program", "account"), [(program, row) for program, rows in ACCOUNTS.items() for row in rows], ids=str)
def test_an_account_has_the_described_fields(program: str, account: type[AccountRecord]):
    assert _layout(account) == idl.fields_of(program, account.idl_name)
    assert list(account.tag) == idl.named(program, "accounts", account.idl_name)["discriminator"]


@pytest.mark.parametrize("program", idl.PROGRAMS)
def test_accounts_and_events_are_complete(program: str):
    assert [account.idl_name for account in ACCOUNTS[program]] == [row["name"] for row in idl.load(program)["accounts"]]
    assert [event.idl_name for event in EVENTS[program]] == [row["name"] for row in idl.load(program)["events"]]


@pytest.mark.parametrize(("program", "event"), [(program, row) for program, rows in EVENTS.items() for row in rows], ids=str)
def test_an_event_has_the_described_fields(program: str, event: Any):
    parts: list[tuple[str, Any]] = [
        (name, "string" if part is str else {"vec": {"defined": {"name": part.idl_name}}}) for name, part in event.tail
    ]

    assert _layout(event) + parts == idl.fields_of(program, event.idl_name)
    assert list(event.tag) == idl.named(program, "events", event.idl_name)["discriminator"]
    for _, part in event.tail:
        if part is not str:
            assert _layout(part) == idl.fields_of(program, part.idl_name)


@pytest.mark.parametrize("program", idl.PROGRAMS)
def test_errors_have_the_described_codes_names_and_sentences(program: str):
    described = [(row["code"], row["name"], row["msg"]) for row in idl.load(program)["errors"]]

    assert [(error.code, error.name, error.message) for error in BY_PROGRAM[program]] == described


@pytest.mark.parametrize("record", [Binding, Rotation])
def test_what_devices_sign_has_the_described_fields(record: type[Record]):
    assert _layout(record) == idl.fields_of("registry", record.idl_name)
