"""Write `ed25519.json`: the edges of Ed25519 over the first golden statement, by the key of its seed.

usage: python -m tests.vectors.write_ed25519
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from tests.support.edge_signatures import NAMES, edge_of

FOLDER: Final = Path(__file__).parent
FILE: Final = FOLDER / "ed25519.json"
ABOUT: Final = (
    "Ed25519 signatures at the edges of the standard over one statement, made by tests/support/edge_signatures.py. "
    "verifies: what every path takes of it, once its key counts. registrable: whether the key may be bound to a meter."
)


def edges() -> dict[str, Any]:
    """What the file says."""
    golden: dict[str, str] = msgspec.json.decode((FOLDER / "statements.json").read_bytes())["statements"][0]
    message, seed = bytes.fromhex(golden["statement_hex"]), bytes.fromhex(golden["secret_seed_hex"])
    rows = [(name, edge_of(name, message, seed)) for name in NAMES]
    return {
        "about": ABOUT,
        "message_hex": message.hex(),
        "secret_seed_hex": seed.hex(),
        "edges": [
            {
                "name": name,
                "public_key_hex": edge.public_key.hex(),
                "signature_hex": edge.signature.hex(),
                "verifies": edge.holds,
                "registrable": edge.sound_key,
            }
            for name, edge in rows
        ],
    }


if __name__ == "__main__":
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(edges()), indent=1) + b"\n")
