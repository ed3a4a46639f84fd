"""The golden vectors of the device protocol: what we pack is what devices sign."""

import json
from pathlib import Path

from solders.pubkey import Pubkey

from core.domain.network import network_bytes
from programs.client.messages import BINDING_MAGIC, INTERVAL_MAGIC, REGISTER_MAGIC, Binding, Statement

VECTORS = Path(__file__).parents[2] / "vectors"


def test_statements_are_the_golden_bytes():
    golden = json.loads((VECTORS / "statements.json").read_text())
    network = bytes.fromhex(golden["network_hex"])
    genesis, registry = (bytes.fromhex(golden[name]) for name in ("genesis_hash_hex", "registry_program_id_hex"))
    assert network_bytes(genesis, registry) == network
    for row in golden["statements"]:
        magic = REGISTER_MAGIC if row["kind"] == "register" else INTERVAL_MAGIC
        numbers = (row["sequence"], row["measured_at"], row["generation_wh"], row["consumption_wh"])
        assert Statement(magic, network, row["meter_id"], *numbers).pack().hex() == row["statement_hex"]


def test_a_binding_is_the_golden_bytes():
    statements = json.loads((VECTORS / "statements.json").read_text())
    golden = json.loads((VECTORS / "binding.json").read_text())["bind"]
    binding = Binding(
        BINDING_MAGIC,
        bytes.fromhex(statements["network_hex"]),
        "MTR-001",
        Pubkey.from_string(golden["owner"]),
        golden["sequence"],
        golden["measured_at"],
        golden["base_generation_wh"],
        golden["base_consumption_wh"],
    )
    assert binding.pack().hex() == golden["message_hex"]
