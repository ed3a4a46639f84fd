from typing import Any, TypeVar

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature

from programs.localnet.blocks import Commitment
from programs.localnet.chain import Chain
from programs.localnet.rpc.errors import MIN_CONTEXT_SLOT_NOT_REACHED, RpcError, invalid_params

T = TypeVar("T")
Config = TypeVar("Config", bound=msgspec.Struct)


class CommitmentConfig(msgspec.Struct, rename="camel", frozen=True):
    """What most methods take as their last parameter."""

    commitment: Commitment | None = None
    min_context_slot: int | None = None

    @property
    def level(self) -> Commitment:
        """The commitment asked for; finalized when left out, as on a real node."""
        return self.commitment or Commitment.FINALIZED


def parse_pubkey(text: str) -> Pubkey:
    """An address in base58.

    Raises:
        RpcError: It is not 32 bytes of base58.
    """
    try:
        return Pubkey.from_string(text)
    except ValueError as error:
        raise invalid_params(f"Invalid param: {error}") from error


def parse_signature(text: str) -> Signature:
    """A signature in base58.

    Raises:
        RpcError: It is not 64 bytes of base58.
    """
    try:
        return Signature.from_string(text)
    except ValueError as error:
        raise invalid_params(f"Invalid param: {error}") from error


class Params:
    """The positional parameters of one call, read with their types."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def required(self, index: int, kind: type[T]) -> T:
        """The parameter at an index.

        Raises:
            RpcError: It is missing or of another type.
        """
        if index >= len(self._values):
            raise invalid_params(f"`params` should have at least {index + 1} argument(s)")
        return self._convert(self._values[index], kind)

    def optional(self, index: int, kind: type[T]) -> T | None:
        """The parameter at an index, `None` when it is missing or null."""
        if index >= len(self._values) or self._values[index] is None:
            return None
        return self._convert(self._values[index], kind)

    def config(self, index: int, kind: type[Config]) -> Config:
        """A configuration object; everything in it has a default, which null asks for too.

        Raises:
            RpcError: A member has another type than it should.
        """
        given = self.optional(index, dict[str, Any]) or {}
        return self._convert({name: value for name, value in given.items() if value is not None}, kind)

    def pubkey(self, index: int) -> Pubkey:
        """An address at an index."""
        return parse_pubkey(self.required(index, str))

    def signature(self, index: int) -> Signature:
        """A signature at an index."""
        return parse_signature(self.required(index, str))

    def natural(self, index: int) -> int:
        """A slot, a limit or an amount at an index: 0 to 2^63 - 1.

        Raises:
            RpcError: It is missing, not an integer, or out of range.
        """
        value = self.required(index, int)
        if not 0 <= value < 2**63:
            raise invalid_params("Invalid params: Expected `int` >= 0.")
        return value

    def is_object(self, index: int) -> bool:
        """Whether the parameter at an index is a JSON object."""
        return index < len(self._values) and isinstance(self._values[index], dict)

    @staticmethod
    def _convert(value: Any, kind: type[T]) -> T:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise invalid_params(f"Invalid params: {error}.") from error


def reached(chain: Chain, config: CommitmentConfig) -> Commitment:
    """The commitment to answer at, after the caller's minimum slot was checked.

    Raises:
        RpcError: The chain has not reached that slot.
    """
    slot = chain.slot(config.level)
    if config.min_context_slot is not None and slot < config.min_context_slot:
        raise RpcError(MIN_CONTEXT_SLOT_NOT_REACHED, "Minimum context slot has not been reached", {"contextSlot": slot})
    return config.level


def with_context(chain: Chain, commitment: Commitment, value: Any) -> dict[str, Any]:
    """A value with the slot it was read at."""
    return {"context": {"slot": chain.slot(commitment), "apiVersion": "2.3.0"}, "value": value}
