"""What becomes of a reading, and the closed list of reasons, each with a fixed meaning of final or retry."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Verdict(StrEnum):
    """The four outcomes of intake."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a reading is not simply accepted; shared by receipts and problem documents."""

    MALFORMED = "malformed"
    UNKNOWN_METER = "unknown_meter"
    METER_NOT_ACTIVE = "meter_not_active"
    OWNER_NOT_VERIFIED = "owner_not_verified"
    WALLET_INVALID = "wallet_invalid"
    WALLET_MISMATCH = "wallet_mismatch"
    BAD_SIGNATURE = "bad_signature"
    WRONG_NETWORK = "wrong_network"
    WRONG_KIND = "wrong_kind"
    STALE = "stale"
    FUTURE = "future"
    REPEATED_WINDOW = "repeated_window"
    TOO_FREQUENT = "too_frequent"
    SEQUENCE_CONFLICT = "sequence_conflict"
    REGISTER_BACKWARDS = "register_backwards"
    ZERO_ENERGY = "zero_energy"
    OVER_LIMIT = "over_limit"
    OVER_CAPACITY = "over_capacity"
    IMPLAUSIBLE = "implausible"
    HELD = "held"
    RATE_LIMITED = "rate_limited"


IS_FINAL: Final[Mapping[Reason, bool]] = MappingProxyType(
    {
        Reason.MALFORMED: True,
        Reason.UNKNOWN_METER: False,  # the operator may still import it
        Reason.METER_NOT_ACTIVE: True,  # energy of a suspension never counts
        Reason.OWNER_NOT_VERIFIED: False,  # the owner may still be verified
        Reason.WALLET_INVALID: True,
        Reason.WALLET_MISMATCH: True,
        Reason.BAD_SIGNATURE: False,  # a copy tampered on its way must not make the device drop the genuine one
        Reason.WRONG_NETWORK: True,
        Reason.WRONG_KIND: True,
        Reason.STALE: True,
        Reason.FUTURE: False,  # time passes
        Reason.REPEATED_WINDOW: True,
        Reason.TOO_FREQUENT: True,
        Reason.SEQUENCE_CONFLICT: True,
        Reason.REGISTER_BACKWARDS: True,
        Reason.ZERO_ENERGY: True,
        Reason.OVER_LIMIT: True,
        Reason.OVER_CAPACITY: False,  # quarantined, never rejected at once
        Reason.IMPLAUSIBLE: False,  # likewise
        Reason.HELD: False,  # likewise
        Reason.RATE_LIMITED: False,
    }
)
"""Whether a *rejection* for this reason is the last word. A quarantine never is."""


def is_final(verdict: Verdict, reason: Reason | None) -> bool:
    """Whether a device may drop its journal entry on this receipt."""
    match verdict:
        case Verdict.ACCEPTED | Verdict.REPEATED:
            return True
        case Verdict.QUARANTINED:
            return False
        case Verdict.REJECTED:
            return reason is not None and IS_FINAL[reason]
