"""The embedded chain with the programs deployed under the upgradeable loader, and everybody's keys."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from solders.keypair import Keypair

from core.runtime.clock import SystemClock
from programs.client.addresses import Addresses, addresses_of
from programs.client.bootstrap import AuthorityKeys, ensure_balance
from programs.client.rpc import ChainClient
from programs.client.signer import KeypairSigner
from programs.localnet.config import GenesisProgram, LocalnetConfig
from programs.localnet.localnet import Localnet
from tests.support.svm import artifact

SOL = 1_000_000_000


@dataclass(frozen=True)
class Deployed:
    """A running chain, not yet initialised."""

    localnet: Localnet
    client: ChainClient
    keys: AuthorityKeys
    at: Addresses


def authority_keys(*, attesters: int = 1, payers: int = 1) -> AuthorityKeys:
    """New keys for every role."""
    upgrade, authority, auditor, provisioner = (KeypairSigner(Keypair()) for _ in range(4))
    return AuthorityKeys(
        upgrade=upgrade,
        authority=authority,
        auditor=auditor,
        provisioner=provisioner,
        attesters=tuple(KeypairSigner(Keypair()) for _ in range(attesters)),
        payers=tuple(KeypairSigner(Keypair()) for _ in range(payers)),
    )


@asynccontextmanager
async def deployed(*, slot_ms: int = 20, data_dir: Path | None = None, attesters: int = 1) -> AsyncGenerator[Deployed]:
    """Start the chain on free ports with funded payers and attesters."""
    keys, at = authority_keys(attesters=attesters), addresses_of()
    programs = tuple(
        GenesisProgram(getattr(at.ids, name), artifact(name), keys.upgrade.pubkey)
        for name in ("registry", "oracle", "energy_token")
    )
    config = LocalnetConfig(now=SystemClock().now, port=0, slot_ms=slot_ms, programs=programs, data_dir=data_dir)
    async with Localnet(config) as localnet, ChainClient(localnet.rpc_url) as client:
        for signer in (*keys.payers, *keys.attesters):
            await ensure_balance(client, signer.pubkey, 10 * SOL)
        yield Deployed(localnet, client, keys, at)
