from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True)
class GenesisProgram:
    """A program that exists from slot 0 on, under the upgradeable loader."""

    program_id: Pubkey
    elf: bytes
    """The compiled program (`.so`)."""
    upgrade_authority: Pubkey | None
    """Who may upgrade it; `None` makes it final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalnetConfig:
    """Everything the embedded chain is told from outside.

    Args:
        now: Unix time in seconds; the Clock sysvar and block times follow it and never run backwards.
        data_dir: Where state and history live; `None` keeps them in memory.
        host: Loopback address to listen on.
        port: Port of JSON-RPC; WebSocket is on `port + 1`. 0 takes any free pair.
        slot_ms: Length of a slot in milliseconds.
        finality_slots: A slot is finalized this many slots after it closed.
        genesis_seed: Makes genesis hash, blockhashes and faucet reproducible (tests only); `None` draws them at random.
        programs: Deployed at genesis, and at any later start when the chain does not have them yet.
        redeploy: Replace programs whose bytes differ from those on the chain at start.
        max_body_bytes: Larger HTTP bodies and WebSocket messages are refused.
        max_subscriptions: Live subscriptions per WebSocket connection.
    """

    now: Callable[[], int]
    data_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8899
    slot_ms: int = 400
    finality_slots: int = 32
    genesis_seed: bytes | None = None
    programs: tuple[GenesisProgram, ...] = ()
    redeploy: bool = False
    max_body_bytes: int = 512 * 1024
    max_subscriptions: int = 1024
