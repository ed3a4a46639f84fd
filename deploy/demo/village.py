"""The demo's people and their meters, drawn from the seed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.keypair import Keypair

from core.domain.readings import ProofKind, StatementKind
from devices.provisioning import MeterImport, bound_by_device
from firmware_sim.fleet import MeterSpec
from programs.client.signer import KeypairSigner, Signer

METERS_PER_OWNER = 2  # an owner may have two meters


@dataclass(frozen=True, kw_only=True)
class Village:
    """Owners, and meters with their signed bindings."""

    owners: Mapping[str, Signer]
    """Signers by wallet address."""
    meters: Sequence[MeterImport]


def owner_key(seed: int, number: int) -> Keypair:
    """The wallet of one owner; a demo's keys are not secrets."""
    return Keypair.from_seed(hashlib.sha256(f"gridtokenx-demo-owner:{seed}:{number}".encode()).digest())


def draw_village(specs: Sequence[MeterSpec], *, network: bytes, seed: int) -> Village:
    """Give each meter an owner and let its device sign the binding."""
    owners: dict[str, Signer] = {}
    meters: list[MeterImport] = []
    for number, spec in enumerate(specs):
        keypair = owner_key(seed, number // METERS_PER_OWNER)
        owners[str(keypair.pubkey())] = KeypairSigner(keypair)
        meters.append(_bound(spec, keypair, network))
    return Village(owners=owners, meters=meters)


def _bound(spec: MeterSpec, owner: Keypair, network: bytes) -> MeterImport:
    unsigned = MeterImport(
        meter_id=spec.meter_id,
        legacy_id=None,
        owner=str(owner.pubkey()),
        asset_kind=spec.plate.asset_kind,
        statement_kind=spec.statement_kind,
        proof_kind=ProofKind.DEVICE if spec.statement_kind is StatementKind.REGISTER else ProofKind.ATTESTED,
        zone=1,
        rated_power_out_w=spec.plate.rated_power_out_w,
        rated_power_in_w=spec.plate.rated_power_in_w,
        public_key=spec.key.public_text,
        base_sequence=spec.base.sequence,
        base_measured_at=spec.base.measured_at,
        base_generation_wh=spec.base.generation_wh,
        base_consumption_wh=spec.base.consumption_wh,
    )
    return bound_by_device(unsigned, spec.key.sign, network=network)
