from math import ceil

from solders.message import Message, MessageV0
from solders.pubkey import Pubkey

LAMPORTS_PER_SIGNATURE = 5_000
MICRO_LAMPORTS = 1_000_000
MAX_COMPUTE_UNITS = 1_400_000
DEFAULT_UNITS = 200_000  # per instruction
BUILTIN_UNITS = 3_000  # per instruction of a built-in program (SIMD-170)
SET_LIMIT, SET_PRICE = 2, 3  # instructions of the compute-budget program

COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
PRECOMPILES = {
    Pubkey.from_string("Ed25519SigVerify111111111111111111111111111"),
    Pubkey.from_string("KeccakSecp256k11111111111111111111111111111"),
    Pubkey.from_string("Secp256r1SigVerify1111111111111111111111111"),
}
BUILTINS = {
    COMPUTE_BUDGET,
    Pubkey.default(),
    Pubkey.from_string("BPFLoader2111111111111111111111111111111111"),
    Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111"),
    Pubkey.from_string("Vote111111111111111111111111111111111111111"),
}


def fee_for(message: Message | MessageV0) -> int:
    """Lamports a message costs altogether."""
    return signature_fee(message) + priority_fee(message)


def signature_fee(message: Message | MessageV0) -> int:
    """Lamports for the message's signatures and for those that its precompiles check."""
    checked = [
        instruction.data[0]
        for instruction in message.instructions
        if instruction.data and message.account_keys[instruction.program_id_index] in PRECOMPILES
    ]
    return (message.header.num_required_signatures + sum(checked)) * LAMPORTS_PER_SIGNATURE


def priority_fee(message: Message | MessageV0) -> int:
    """Lamports offered by the compute-unit price, rounded up."""
    price, limit, units = 0, None, 0
    for instruction in message.instructions:
        program, data = message.account_keys[instruction.program_id_index], instruction.data
        units += BUILTIN_UNITS if program in BUILTINS else DEFAULT_UNITS
        if program == COMPUTE_BUDGET and data[:1] == bytes([SET_LIMIT]):
            limit = int.from_bytes(data[1:5], "little")
        if program == COMPUTE_BUDGET and data[:1] == bytes([SET_PRICE]):
            price = int.from_bytes(data[1:9], "little")
    budget = min(units if limit is None else limit, MAX_COMPUTE_UNITS)
    return ceil(price * budget / MICRO_LAMPORTS)
