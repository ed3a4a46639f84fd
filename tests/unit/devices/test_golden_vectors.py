import json
from pathlib import Path
from typing import Any

import pytest

from core.domain.identity import MeterId, parse_meter_id
from core.domain.network import network_bytes
from core.domain.readings import Statement, StatementKind
from devices.binding import bind_message, claim_id, provision_message
from devices.envelope import decode_reading, encode_binary, encode_json
from devices.frame import verify
from devices.keys import DeviceKey, parse_key, parse_signature, signature_is_valid, signature_text
from devices.statement import decode_statement, encode_statement

VECTORS = Path(__file__).parents[2] / "vectors"
STATEMENTS: dict[str, Any] = json.loads((VECTORS / "statements.json").read_text())
BINDING: dict[str, Any] = json.loads((VECTORS / "binding.json").read_text())
NETWORK = bytes.fromhex(STATEMENTS["network_hex"])
KINDS = {"register": StatementKind.REGISTER, "interval": StatementKind.INTERVAL}
METER: MeterId = parse_meter_id("MTR-001")


def test_the_network_is_named_by_genesis_hash_and_registry():
    genesis_hash = bytes.fromhex(STATEMENTS["genesis_hash_hex"])
    registry = bytes.fromhex(STATEMENTS["registry_program_id_hex"])

    assert network_bytes(genesis_hash, registry) == NETWORK


@pytest.mark.parametrize("vector", STATEMENTS["statements"])
def test_a_golden_statement_is_encoded_signed_and_read_to_the_byte(vector: dict[str, Any]):
    key = DeviceKey(bytes.fromhex(vector["secret_seed_hex"]))
    statement = Statement(
        kind=KINDS[vector["kind"]],
        network=NETWORK,
        meter_id=parse_meter_id(vector["meter_id"]),
        sequence=vector["sequence"],
        measured_at=vector["measured_at"],
        generation_wh=vector["generation_wh"],
        consumption_wh=vector["consumption_wh"],
    )

    signed_bytes = encode_statement(statement)
    signature = key.sign(signed_bytes)
    envelope = encode_binary(statement, signature)

    assert key.public_text == vector["public_key"]
    assert signed_bytes.hex() == vector["statement_hex"]
    assert signature_text(signature) == vector["signature"]
    assert envelope.hex() == vector["binary_envelope_hex"]
    assert decode_statement(signed_bytes) == statement
    for payload in (envelope, encode_json(statement, signature, public_key=key.public_key)):
        frame = decode_reading(payload, network=NETWORK)
        verified = verify(frame, [parse_key(vector["public_key"])])
        assert verified is not None
        assert verified.statement == statement


def test_the_golden_provisioning_message():
    vector = BINDING["provision"]

    message = provision_message(network=NETWORK, meter_id=METER, nonce=bytes.fromhex(vector["nonce_hex"]), claim=vector["claim"])

    assert message.hex() == vector["message_hex"]
    assert claim_id(vector["claim"]) == vector["claim_id"]
    assert signature_is_valid(message, parse_signature(vector["signature"]), parse_key(BINDING["public_key"]))


def test_the_golden_binding_message():
    vector = BINDING["bind"]

    message = bind_message(
        network=NETWORK,
        meter_id=METER,
        owner=parse_key(vector["owner"]),
        sequence=vector["sequence"],
        measured_at=vector["measured_at"],
        base_generation_wh=vector["base_generation_wh"],
        base_consumption_wh=vector["base_consumption_wh"],
    )

    assert message.hex() == vector["message_hex"]
    assert signature_is_valid(message, parse_signature(vector["signature"]), parse_key(BINDING["public_key"]))
