"""Ed25519's edges under a binding: no meter comes in by them, and no key of small or mixed order is ever bound.

Each import is a command line beside a running platform, so one edge of each class comes this way; `test_edges_of_the_verifier.py`
takes all of them through the same two functions.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import pytest

from core.domain.identity import parse_meter_id
from core.domain.readings import AssetKind, ProofKind, StatementKind
from core.store import meters
from devices.keys import key_text, signature_text
from devices.provisioning import MeterImport
from devices.provisioning.import_file import to_json_line
from devices.provisioning.meter_import import binding_message_of
from tests.hostile.signatures.conftest import Types
from tests.support.edge_signatures import UNDER_A_SOUND_KEY, UNDER_AN_UNSOUND_KEY, edge_of
from tests.support.platform import Grid, keypair_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWNER: Final = keypair_of("owner of odd meters")
FALSE_NAMES: Final = (
    "S + L, the same signature twice",
    "the largest S + n L that 256 bits hold",
    "S of another parity",
    "R of mixed order",
    "R is the identity, not canonical",
    "R is minus the identity",
    "R of order eight",
    "R is no point",
)
"""Under a sound key: of S beyond the order and another S; of R of mixed and of small order, not canonical, and no point."""
FALSE_KEYS: Final = (
    "key of mixed order, exact",
    "key with the point of order two, exact",
    "key of order eight",
    "key of order two",
    "key and signature all zero",
    "key is the identity",
    "key is the identity, not canonical",
    "key is minus the identity",
    "key of order four, not canonical",
    "key of order two with the other sign",
    "key is no point",
)
"""Every form of a key that is unsound; what its signature is made of makes no difference to whether it may be bound."""


def line(grid: Grid, meter_id: str, name: str) -> str:
    """A line of an import whose device signed by an edge."""
    meter = MeterImport(
        meter_id=parse_meter_id(meter_id),
        legacy_id=None,
        owner=str(OWNER.pubkey()),
        asset_kind=AssetKind.SOLAR,
        statement_kind=StatementKind.REGISTER,
        proof_kind=ProofKind.DEVICE,
        zone=1,
        rated_power_out_w=5_000,
        rated_power_in_w=5_000,
        public_key="",
        base_sequence=0,
        base_measured_at=grid.platform.clock.now() - 900,
        base_generation_wh=0,
        base_consumption_wh=0,
        binding_signature="",
    )
    edge = edge_of(name, binding_message_of(meter, network=grid.platform.network), sha256(name.encode()).digest())
    signed = msgspec.structs.replace(
        meter, public_key=key_text(edge.public_key), binding_signature=signature_text(edge.signature)
    )
    return to_json_line(signed)


async def is_unknown(grid: Grid, meter_id: str) -> bool:
    """Whether neither the database nor the chain has such a meter."""
    async with grid.platform.store.read() as session:
        row = await meters.find(session, parse_meter_id(meter_id))
    return row is None and await grid.platform.chain.account(grid.at.meter(meter_id)) is None


async def test_the_classes_are_made_of_edges_that_there_are():
    assert set(FALSE_NAMES) < set(UNDER_A_SOUND_KEY)
    assert set(FALSE_KEYS) < set(UNDER_AN_UNSOUND_KEY)


async def test_no_binding_by_an_edge_is_imported(grid: Grid, folder: Path, types: Types):
    names = {f"ODD-{number}": name for number, name in enumerate(FALSE_NAMES)}
    file = folder / "sound-keys.jsonl"
    file.write_text("\n".join(line(grid, meter_id, name) for meter_id, name in names.items()))

    code, said = await types("device", "import", str(file), "--owners", str(owners(folder)))

    assert (code, f"0 registered, {len(names)} refused" in said) == (1, True), said
    assert said.count("the binding signature is not this device's") == len(names)
    assert not (folder / "credentials.jsonl").exists()
    assert all([await is_unknown(grid, meter_id) for meter_id in names])


@pytest.mark.parametrize("name", FALSE_KEYS)
async def test_no_key_of_small_or_mixed_order_is_imported(grid: Grid, folder: Path, types: Types, name: str):
    file = folder / "unsound-keys.jsonl"
    file.write_text(line(grid, "ODD-KEY", name))

    code, said = await types("device", "import", str(file), "--owners", str(owners(folder)))

    assert code != 0
    assert "field public_key is no usable Ed25519 key" in said
    assert await is_unknown(grid, "ODD-KEY")


def owners(folder: Path) -> Path:
    """The folder of the owner's key, as an operator keeps it."""
    keys = folder / "owners"
    keys.mkdir(exist_ok=True)
    file = keys / "owner.json"
    file.write_text(OWNER.to_json())
    file.chmod(0o600)
    return keys
