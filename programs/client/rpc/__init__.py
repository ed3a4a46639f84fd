"""The chain over JSON-RPC, parsed here so that no reply can kill a loop."""

from programs.client.rpc.answers import (
    AccountInfo,
    ConfirmedTransaction,
    InnerInstruction,
    SignatureInfo,
    SignatureStatus,
    Simulation,
    TokenBalance,
)
from programs.client.rpc.client import ChainClient, Commitment
from programs.client.rpc.refusals import RpcRefused, TransactionRefused

__all__ = [
    "AccountInfo",
    "ChainClient",
    "Commitment",
    "ConfirmedTransaction",
    "InnerInstruction",
    "RpcRefused",
    "SignatureInfo",
    "SignatureStatus",
    "Simulation",
    "TokenBalance",
    "TransactionRefused",
]
