"""The embedded Solana chain: LiteSVM behind JSON-RPC and WebSocket subscriptions, kept on disk."""

from programs.localnet.chain import Chain
from programs.localnet.config import GenesisProgram, LocalnetConfig
from programs.localnet.errors import LocalnetError
from programs.localnet.localnet import Localnet

__all__ = ["Chain", "GenesisProgram", "Localnet", "LocalnetConfig", "LocalnetError"]
