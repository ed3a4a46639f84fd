"""What a transaction's error means for the meters in it: a pure decision."""

from enum import Enum
from typing import Any, Final

PAUSED_CODE: Final = 6012
"""`Paused` in all our programs: their guards share one block of codes."""
STALE_SEQUENCE_CODE: Final = 6055
"""`StaleSequence` in the registry, and in no other program of ours: the ledger holds this reading or a later one."""
MAY_STILL_LAND: Final = frozenset(
    {
        "BlockhashNotFound",
        "AlreadyProcessed",
        "AccountInUse",
        "ClusterMaintenance",
        "WouldExceedMaxBlockCostLimit",
        "WouldExceedMaxAccountCostLimit",
        "WouldExceedAccountDataBlockLimit",
        "AccountLoadedTwice",
        "ProgramCacheHitMaxLimit",
    }
)
"""The node's momentary state, not the transaction's fault: follow it until it lands or expires."""
PAYER_CANNOT_PAY: Final = frozenset({"AccountNotFound", "InsufficientFundsForFee", "InvalidAccountForFee"})


class Meaning(Enum):
    """What to do about a refusal."""

    FOLLOW = "it may still land: follow it"
    WAIT = "nobody's reading is at fault: wait, count nothing"
    FAILED = "an attempt failed: count it, and try its meters one by one"


def meaning_of(err: str | dict[str, Any]) -> Meaning:
    """Sort a transaction's error, given as the chain's JSON."""
    if isinstance(err, str):
        if err in MAY_STILL_LAND:
            return Meaning.FOLLOW
        return Meaning.WAIT if err in PAYER_CANNOT_PAY else Meaning.FAILED
    if "InsufficientFundsForRent" in err or custom_code(err) == PAUSED_CODE:
        return Meaning.WAIT
    return Meaning.FAILED


def is_overtaken(err: str | dict[str, Any], meters: int) -> bool:
    """Whether a refusal says that the transaction's only meter is where it should bring it: somebody else was faster.

    Anyone may submit a device's proof. Of several meters the refusal does not tell which one it means: they are tried alone.
    """
    return meters == 1 and custom_code(err) == STALE_SEQUENCE_CODE


def custom_code(err: str | dict[str, Any]) -> int | None:
    """The program's own code in `{"InstructionError": [index, {"Custom": code}]}`."""
    match err:
        case {"InstructionError": [_, {"Custom": int(code)}]}:
            return code
        case _:
            return None
