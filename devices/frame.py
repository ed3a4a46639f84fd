"""What arrived, before and after its signature was checked: two types, so that neither is taken for the other."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.errors import InvalidInput
from core.domain.readings import Statement
from core.domain.verdicts import Reason
from devices.keys import signature_is_valid


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedFrame:
    """A well-formed envelope whose signature nobody has checked."""

    statement: Statement
    signed_bytes: bytes
    """The statement's 64 bytes."""
    signature: bytes
    key_hint: bytes | None = None
    """The key the sender says it used; never the key that counts."""
    extras: str | None = None
    """Unsigned JSON text, shown to people; never touches value."""
    wallet_address: str | None = None
    """The HTTP body's claim; compared with the bound owner, never decides where tokens go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatement:
    """A statement that one of the meter's keys signed; made by `verify` alone."""

    statement: Statement
    signed_bytes: bytes
    signature: bytes
    public_key: bytes
    extras: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """A part of a message that is no frame; what it claims is cut to size and not proven."""

    reason: Reason
    detail: str
    payload: bytes
    claimed_meter_id: str = ""
    claimed_sequence: str = ""


class FrameRefused(InvalidInput):
    """A message is no frame; carries the refusal that a receipt or a problem document tells."""

    def __init__(self, refused: RefusedEntry) -> None:
        super().__init__(refused.detail)
        self.refused = refused


def verify(frame: UnverifiedFrame, public_keys: Iterable[bytes]) -> VerifiedStatement | None:
    """Check the signature under the keys that count for the meter; None when none of them made it."""
    for public_key in public_keys:
        if signature_is_valid(frame.signed_bytes, frame.signature, public_key):
            return VerifiedStatement(
                statement=frame.statement,
                signed_bytes=frame.signed_bytes,
                signature=frame.signature,
                public_key=public_key,
                extras=frame.extras,
            )
    return None
