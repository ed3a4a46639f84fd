"""The chain that the platform runs on: the embedded one with our programs, or anybody's by URL."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from core.domain.clock import Clock
from core.domain.errors import InvalidInput
from core.runtime.settings import ChainSettings
from deploy.keys import KeyFolder
from programs.client.addresses import addresses_of
from programs.client.bootstrap import AuthorityKeys, ensure_balance
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient
from programs.localnet import GenesisProgram, Localnet, LocalnetConfig

PAYER_LAMPORTS: Final = 100_000_000_000  # 100 SOL of the embedded chain's own


def _artifact(name: str) -> bytes:
    try:
        return files("programs").joinpath("artifacts", f"{name}.so").read_bytes()
    except FileNotFoundError as problem:
        raise InvalidInput(
            f"programs/artifacts/{name}.so is missing; restore it from the repository, or run `make programs`"
        ) from problem


def shipped_programs() -> dict[str, bytes]:
    """Each program's bytes as this version ships them."""
    return {name: _artifact(name) for name in ("registry", "oracle", "energy_token")}


def genesis_programs(upgrade_authority: Pubkey) -> tuple[GenesisProgram, ...]:
    """Our programs as the embedded chain deploys them at genesis."""
    return tuple(
        GenesisProgram(program_id=program_id, elf=_artifact(name), upgrade_authority=upgrade_authority)
        for name, program_id in (
            ("registry", PROGRAM_IDS.registry),
            ("oracle", PROGRAM_IDS.oracle),
            ("energy_token", PROGRAM_IDS.energy_token),
        )
    )


def embedded_chain(
    folder: Path, settings: ChainSettings, keys: KeyFolder, clock: Clock, *, genesis_seed: bytes | None = None
) -> Localnet:
    """Make the embedded chain ready to start; its state lives in `folder`."""
    return Localnet(
        LocalnetConfig(
            data_dir=folder,
            port=settings.embedded_port,
            slot_ms=settings.slot_ms,
            genesis_seed=genesis_seed,
            programs=genesis_programs(keys.single("upgrade").pubkey()),
            now=clock.now,
        )
    )


async def fund_payers(chain: ChainClient, keys: AuthorityKeys) -> None:
    """Fill the accounts that pay fees up from a test chain's faucet: payers, and attesters who send by hand.

    Raises:
        Unavailable: the faucet's lamports did not arrive.
    """
    for signer in (*keys.payers, *keys.attesters):
        await ensure_balance(chain, signer.pubkey, PAYER_LAMPORTS)


async def require_initialised(chain: ChainClient) -> None:
    """See that a chain given by URL carries our programs, set up.

    Raises:
        InvalidInput: it does not; one sentence says what to do.
    """
    addresses = addresses_of(PROGRAM_IDS)
    found = await chain.accounts([part.config for part in (addresses.registry, addresses.oracle, addresses.energy_token)])
    if None in found:
        raise InvalidInput(
            "the programs are not set up on this chain; put the keys into GRIDTOKENX_CHAIN__KEYS_DIR,"
            " and run `gridtokenx programs deploy`: it deploys what is missing and sets it up"
        )


def websocket_url(rpc_url: str, ws_url: str | None) -> str:
    """The WebSocket URL as set, else the RPC's with the scheme changed and, where it names a port, the next one."""
    if ws_url is not None:
        return ws_url
    scheme, _, rest = rpc_url.partition("://")
    host, colon, port = rest.rstrip("/").rpartition(":")
    secure = "wss" if scheme == "https" else "ws"
    return f"{secure}://{host}:{int(port) + 1}" if colon and port.isdigit() else f"{secure}://{rest}"
