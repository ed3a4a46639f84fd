"""What a command needs of a platform that runs elsewhere: its database, its chain, its keys."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.domain.clock import Clock
from core.domain.errors import Unavailable
from core.domain.identity import Fleet, parse_fleet
from core.domain.network import network_bytes
from core.runtime.clock import SystemClock
from core.runtime.settings import Settings, load_settings
from core.store import Store
from deploy.chain import require_initialised
from deploy.database import database_of, migrate
from deploy.keys import KeyFolder
from programs.client.addresses import Addresses, addresses_of
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient, Commitment


@dataclass(frozen=True, kw_only=True)
class Session:
    """One command's view of the platform."""

    settings: Settings
    store: Store
    chain: ChainClient
    keys: KeyFolder
    addresses: Addresses
    network: bytes
    fleet: Fleet
    clock: Clock


def rpc_url(settings: Settings) -> str:
    """The chain's URL as set, else where the embedded one listens."""
    return settings.chain.rpc_url or f"http://127.0.0.1:{settings.chain.embedded_port}"


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncGenerator[Store]:
    """The platform's database, migrated."""
    store = database_of(settings)
    try:
        await migrate(store)
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_chain(settings: Settings, *, commitment: Commitment = "confirmed") -> AsyncGenerator[ChainClient]:
    """The platform's chain.

    Args:
        settings: where it is.
        commitment: what counts as having happened.

    Raises:
        Unavailable: nothing answers there; the sentence says what to do.
    """
    url = rpc_url(settings)
    async with ChainClient(url, commitment=commitment) as chain:
        try:
            await chain.slot()
        except Unavailable as problem:
            raise Unavailable(
                f"no chain answers at {url}; start `gridtokenx up` or `gridtokenx localnet`, or set GRIDTOKENX_CHAIN__RPC_URL"
            ) from problem
        yield chain


@asynccontextmanager
async def open_session() -> AsyncGenerator[Session]:
    """Database and chain of the settings in force.

    Raises:
        Unavailable: one of them does not answer.
        InvalidInput: the programs are not set up on the chain.
    """
    settings = load_settings()
    async with open_chain(settings) as chain, open_store(settings) as store:
        await require_initialised(chain)
        yield Session(
            settings=settings,
            store=store,
            chain=chain,
            keys=KeyFolder(path=settings.keys_dir),
            addresses=addresses_of(PROGRAM_IDS),
            network=network_bytes(await chain.genesis_hash(), bytes(PROGRAM_IDS.registry)),
            fleet=parse_fleet(settings.fleet),
            clock=SystemClock(),
        )
