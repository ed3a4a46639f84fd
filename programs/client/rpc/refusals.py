"""What a node says no to, sorted by what the caller should do."""

from collections.abc import Sequence
from typing import Any

from core.domain.errors import Conflict, InvalidInput, OutcomeUnknown, Unavailable
from programs.client.errors import name_of

PREFLIGHT_FAILURE = -32002
"""`sendTransaction` was simulated and failed; `data` carries the error and the logs."""
REFUSED = frozenset({-32003, -32013, -32015, -32600, -32601, -32602, -32700})
"""Bad signature, unsupported version, malformed request: the transaction went nowhere."""
TRY_LATER = frozenset({-32004, -32005, -32014, -32016, 429})
"""Node behind, block not available yet, minimum slot not reached, rate limit."""

TransactionError = str | dict[str, Any]
"""A transaction's error as JSON: `"BlockhashNotFound"` or `{"InstructionError": [3, {"Custom": 6001}]}`."""


class RpcRefused(InvalidInput):
    """The node understood the request and refuses it.

    Attributes:
        code: JSON-RPC error code.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"the chain refused the request ({code}): {message}")
        self.code = code


class TransactionRefused(Conflict):
    """A transaction failed before it was sent: nothing has happened on the chain.

    Attributes:
        err: the transaction's error in JSON.
        logs: what the programs said in the simulation.
        name: short name of the error: the program's own name where one was raised, else Solana's.
    """

    def __init__(self, err: TransactionError, logs: Sequence[str] = (), name: str | None = None) -> None:
        self.err = err
        self.logs = tuple(logs)
        self.name = name if name is not None else name_of(err, logs=logs)
        super().__init__(f"the transaction was refused: {self.name}")


def sorted_error(code: int, message: str, *, sending: bool) -> Exception:
    """The exception for a JSON-RPC error other than a preflight failure.

    Args:
        code: JSON-RPC error code.
        message: the node's text.
        sending: whether the request may have put a transaction on its way.
    """
    if code in TRY_LATER:
        return Unavailable(f"the chain's node cannot answer now ({code}): {message}")
    if code in REFUSED:
        return TransactionRefused(message) if sending else RpcRefused(code, message)
    if sending:
        return OutcomeUnknown(f"the chain's node failed while sending ({code}): {message}")
    return Unavailable(f"the chain's node failed ({code}): {message}")
