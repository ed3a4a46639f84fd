from base64 import b64decode
from binascii import Error as Base64Error
from enum import StrEnum

import base58
import msgspec
from solders.message import Message, MessageV0, from_bytes_versioned
from solders.transaction import VersionedTransaction

from programs.localnet.rpc.errors import invalid_params
from programs.localnet.transactions import PACKET_DATA_SIZE, Submission

MAX_BASE58_TEXT = 1683  # characters of a full packet, as real validators say it
MAX_BASE64_TEXT = 1644
MAX_SIGNATURES = 127
TRANSACTION = "solana_transaction::versioned::VersionedTransaction"
MESSAGE = "solana_message::versions::VersionedMessage"


class WireEncoding(StrEnum):
    """How a transaction travels in a request."""

    BASE58 = "base58"
    BASE64 = "base64"


class WireConfig(msgspec.Struct, frozen=True):
    """The encoding option; base58 when left out, as on a real node."""

    encoding: WireEncoding = WireEncoding.BASE58


def decode_wire(text: str, encoding: WireEncoding, kind: str) -> bytes:
    """The bytes of a transaction or message, at most one packet.

    Raises:
        RpcError: Not in that encoding, or too large.
    """
    limit = MAX_BASE58_TEXT if encoding is WireEncoding.BASE58 else MAX_BASE64_TEXT
    if len(text) > limit:
        sizes = f"{len(text)} bytes (max: encoded/raw {limit}/{PACKET_DATA_SIZE})"
        raise invalid_params(f"{encoding} encoded {kind} too large: {sizes}")
    try:
        raw = base58.b58decode(text) if encoding is WireEncoding.BASE58 else b64decode(text, validate=True)
    except (ValueError, Base64Error) as error:
        raise invalid_params(f"invalid {encoding} encoding: {error}") from error
    if len(raw) > PACKET_DATA_SIZE:
        raise invalid_params(f"decoded {kind} too large: {len(raw)} bytes (max: {PACKET_DATA_SIZE} bytes)")
    return raw


def decode_transaction(text: str, encoding: WireEncoding) -> Submission:
    """A transaction from a request.

    Raises:
        RpcError: Not a transaction, larger than a packet, or malformed inside.
    """
    raw = decode_wire(text, encoding, TRANSACTION)
    try:
        transaction = VersionedTransaction.from_bytes(raw)
    except ValueError as error:
        raise invalid_params(f"failed to deserialize {TRANSACTION}: {error}") from error
    message = transaction.message
    if len(transaction.signatures) != message.header.num_required_signatures:
        raise invalid_params("invalid transaction: Transaction failed to sanitize accounts offsets correctly")
    if not is_well_formed(message):
        raise invalid_params("invalid transaction: Transaction failed to sanitize accounts offsets correctly")
    return Submission(transaction)


def decode_message(text: str) -> Message | MessageV0:
    """A message from a request, in base64.

    Raises:
        RpcError: Not a message.
    """
    raw = decode_wire(text, WireEncoding.BASE64, MESSAGE)
    try:
        message = from_bytes_versioned(raw)
    except ValueError as error:
        raise invalid_params(f"failed to deserialize {MESSAGE}: {error}") from error
    if not is_well_formed(message):
        raise invalid_params("invalid transaction: Transaction failed to sanitize accounts offsets correctly")
    return message


def is_well_formed(message: Message | MessageV0) -> bool:
    """Whether all indexes inside a message point into its accounts (Solana's `sanitize`)."""
    header, static = message.header, len(message.account_keys)
    signed, total = header.num_required_signatures, static
    if isinstance(message, MessageV0):
        lookups = message.address_table_lookups
        if any(not lookup.writable_indexes and not lookup.readonly_indexes for lookup in lookups):
            return False
        total += sum(len(lookup.writable_indexes) + len(lookup.readonly_indexes) for lookup in lookups)
    if not 0 < signed <= MAX_SIGNATURES or header.num_readonly_signed_accounts >= signed:
        return False
    if signed + header.num_readonly_unsigned_accounts > static or total > 256:
        return False
    return all(0 < ix.program_id_index < static and all(i < total for i in ix.accounts) for ix in message.instructions)
