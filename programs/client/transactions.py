"""Version 0 transactions: compiled, signed, measured."""

from collections.abc import Sequence

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature

from core.domain.errors import InvalidInput
from programs.client.signer import Signer

PACKET_DATA_SIZE = 1232
"""Bytes: the IPv6 minimum MTU of 1,280 less 48 of headers."""
MAX_ACCOUNTS = 64
"""Accounts that one transaction may lock."""
SIGNATURE_SIZE = 64
_PARTS_OF_A_TOO_BIG_MESSAGE = "the transaction needs more accounts than a message can index"


def compile_v0(
    payer: Pubkey, instructions: Sequence[Instruction], tables: Sequence[AddressLookupTableAccount], blockhash: Hash
) -> MessageV0:
    """Compile a version 0 message.

    Args:
        payer: pays the fee; the first signer.
        instructions: in order of execution.
        tables: lookup tables that may shorten account addresses.
        blockhash: a recent one.

    Raises:
        InvalidInput: too many accounts.
    """
    try:
        return MessageV0.try_compile(payer, list(instructions), list(tables), blockhash)
    except Exception as problem:
        raise InvalidInput(f"{_PARTS_OF_A_TOO_BIG_MESSAGE}: {problem}") from problem


def message_bytes(message: MessageV0) -> bytes:
    """What the signers sign."""
    return to_bytes_versioned(message)


def required_signers(message: MessageV0) -> list[Pubkey]:
    """Who must sign, the fee payer first."""
    return message.account_keys[: message.header.num_required_signatures]


def size_of(message: MessageV0) -> int:
    """Bytes of the signed transaction on the wire."""
    return 1 + SIGNATURE_SIZE * message.header.num_required_signatures + len(to_bytes_versioned(message))


def account_count(message: MessageV0) -> int:
    """Accounts that the transaction locks, looked-up ones included."""
    lookups = message.address_table_lookups
    return len(message.account_keys) + sum(len(row.writable_indexes) + len(row.readonly_indexes) for row in lookups)


def fits(message: MessageV0) -> bool:
    """Whether the transaction keeps the packet size and the account limit."""
    return size_of(message) <= PACKET_DATA_SIZE and account_count(message) <= MAX_ACCOUNTS


def wire(message: MessageV0, signatures: Sequence[Signature]) -> bytes:
    """The transaction's bytes.

    Args:
        message: what was signed.
        signatures: one for each required signer, in that order.

    Raises:
        InvalidInput: signatures missing, over 1,232 bytes, or over 64 accounts.
    """
    needed = message.header.num_required_signatures
    if len(signatures) != needed:
        raise InvalidInput(f"the transaction needs {needed} signatures and has {len(signatures)}")
    if account_count(message) > MAX_ACCOUNTS:
        raise InvalidInput(f"the transaction locks {account_count(message)} accounts of at most {MAX_ACCOUNTS}")
    body = bytes((needed,)) + b"".join(map(bytes, signatures)) + to_bytes_versioned(message)
    if len(body) > PACKET_DATA_SIZE:
        raise InvalidInput(f"the transaction is {len(body)} bytes of at most {PACKET_DATA_SIZE}")
    return body


async def sign(message: MessageV0, signers: Sequence[Signer]) -> list[Signature]:
    """Signatures of all required signers, in the message's order.

    Raises:
        InvalidInput: a required signer is not among `signers`.
    """
    by_key = {signer.pubkey: signer for signer in signers}
    missing = [key for key in required_signers(message) if key not in by_key]
    if missing:
        raise InvalidInput(f"the transaction also needs the signature of {missing[0]}")
    body = to_bytes_versioned(message)
    return [await by_key[key].sign(body) for key in required_signers(message)]


async def signed(
    payer: Signer,
    instructions: Sequence[Instruction],
    blockhash: Hash,
    signers: Sequence[Signer] = (),
    tables: Sequence[AddressLookupTableAccount] = (),
) -> bytes:
    """Compile, sign and serialise in one go.

    Args:
        payer: pays and signs.
        instructions: in order of execution.
        blockhash: a recent one.
        signers: further signers.
        tables: lookup tables.

    Raises:
        InvalidInput: a signature is missing or the transaction is too large.
    """
    message = compile_v0(payer.pubkey, instructions, tables, blockhash)
    return wire(message, await sign(message, (payer, *signers)))
