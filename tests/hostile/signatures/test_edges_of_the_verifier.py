"""Ed25519's edges at the one function that checks a signature off chain, and at the one that asks whether a key is sound."""

import ast
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from devices.keys import DeviceKey, is_usable_public_key, signature_is_valid
from tests.vectors.write_ed25519 import FILE, edges

ROOT: Final = Path(__file__).resolve().parents[3]
VECTORS: Final[dict[str, Any]] = msgspec.json.decode(FILE.read_bytes())
MESSAGE: Final = bytes.fromhex(VECTORS["message_hex"])
EDGES: Final[list[dict[str, Any]]] = VECTORS["edges"]
NAMES: Final = [edge["name"] for edge in EDGES]
CALLERS: Final = {"devices/frame.py", "devices/provisioning/meter_import.py"}
"""Where the platform checks a device's signature: statements by any door, and bindings."""


def test_the_committed_vectors_are_what_the_curve_gives():
    assert edges() == VECTORS
    assert VECTORS["edges"][0]["public_key_hex"] == DeviceKey(bytes.fromhex(VECTORS["secret_seed_hex"])).public_key.hex()


@pytest.mark.parametrize("edge", EDGES, ids=NAMES)
def test_the_verifier_takes_exactly_what_holds_strictly(edge: dict[str, Any]):
    key, signature = bytes.fromhex(edge["public_key_hex"]), bytes.fromhex(edge["signature_hex"])

    assert signature_is_valid(MESSAGE, signature, key) is edge["verifies"]


@pytest.mark.parametrize("edge", EDGES, ids=NAMES)
def test_a_key_is_registrable_when_it_is_a_canonical_point_of_the_prime_order_group(edge: dict[str, Any]):
    assert is_usable_public_key(bytes.fromhex(edge["public_key_hex"])) is edge["registrable"]


@pytest.mark.parametrize("edge", EDGES, ids=NAMES)
def test_what_the_platform_accepts_the_chains_own_verifier_accepts_too(edge: dict[str, Any]):
    """solders checks as validators do; an accepted reading that the chain refuses would be stranded."""
    key, signature = bytes.fromhex(edge["public_key_hex"]), bytes.fromhex(edge["signature_hex"])

    accepted = is_usable_public_key(key) and signature_is_valid(MESSAGE, signature, key)

    assert not accepted or Signature(signature).verify(Pubkey(key), MESSAGE)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_neither_registrable_nor_signs(size: int):
    assert not is_usable_public_key(bytes(size))
    assert not signature_is_valid(MESSAGE, bytes(64), bytes(size))


def test_only_the_genuine_signature_is_both_registrable_and_valid():
    assert [edge["name"] for edge in EDGES if edge["verifies"] and edge["registrable"]] == ["genuine"]


def test_no_other_place_checks_a_devices_signature():
    """A new one must be added here, and its path to the tests of this folder; meters check none: receipts are unsigned."""
    found: set[str] = set()
    for folder in ("api", "broker", "core", "deploy", "devices", "firmware_sim", "oracle_bridge", "programs"):
        for path in (ROOT / folder).rglob("*.py"):
            names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            if names & {"signature_is_valid", "crypto_sign_open", "VerifyKey"}:
                found.add(path.relative_to(ROOT).as_posix())

    assert found == CALLERS | {"devices/keys.py"}
