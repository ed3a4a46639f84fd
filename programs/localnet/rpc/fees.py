from math import ceil
from typing import Any

from solders.message import Message, MessageV0
from solders.pubkey import Pubkey

from programs.localnet.blocks import Commitment
from programs.localnet.chain import Chain
from programs.localnet.rpc.errors import invalid_params
from programs.localnet.rpc.params import CommitmentConfig, Params, reached, with_context
from programs.localnet.rpc.token_json import address_text
from programs.localnet.rpc.wire import decode_message

LAMPORTS_PER_SIGNATURE = 5_000
MICRO_LAMPORTS = 1_000_000
MAX_COMPUTE_UNITS = 1_400_000
DEFAULT_UNITS = 200_000  # per instruction
BUILTIN_UNITS = 3_000
MAX_ACCOUNTS_LOOKED_AT = 128
FEE_SLOTS = 150

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
SET_LIMIT, SET_PRICE = 2, 3


def fee_for(message: Message | MessageV0) -> int:
    """Lamports a message costs: its signatures, those its precompiles check, and the priority fee."""
    signatures, price, limit, units = message.header.num_required_signatures, 0, None, 0
    for instruction in message.instructions:
        program, data = message.account_keys[instruction.program_id_index], instruction.data
        units += BUILTIN_UNITS if program in BUILTINS else DEFAULT_UNITS
        if program in PRECOMPILES and data:
            signatures += data[0]
        if program == COMPUTE_BUDGET and data[:1] == bytes([SET_LIMIT]):
            limit = int.from_bytes(data[1:5], "little")
        if program == COMPUTE_BUDGET and data[:1] == bytes([SET_PRICE]):
            price = int.from_bytes(data[1:9], "little")
    budget = min(units if limit is None else limit, MAX_COMPUTE_UNITS)
    return signatures * LAMPORTS_PER_SIGNATURE + ceil(price * budget / MICRO_LAMPORTS)


def get_latest_blockhash(chain: Chain, params: Params) -> Any:
    """The blockhash to name in a new transaction, and the last block height in which that works."""
    commitment = reached(chain, params.config(0, CommitmentConfig))
    block = chain.latest_block(commitment)
    value = {"blockhash": address_text(block.blockhash), "lastValidBlockHeight": block.last_valid_height}
    return with_context(chain, commitment, value)


def is_blockhash_valid(chain: Chain, params: Params) -> Any:
    """Whether a transaction may still name a blockhash."""
    blockhash, config = params.pubkey(0), params.config(1, CommitmentConfig)
    return with_context(chain, reached(chain, config), chain.blocks.valid(bytes(blockhash)) is not None)


def get_fee_for_message(chain: Chain, params: Params) -> Any:
    """What a message costs, null when its blockhash is not valid."""
    message, config = decode_message(params.required(0, str)), params.config(1, CommitmentConfig)
    known = chain.blocks.valid(bytes(message.recent_blockhash)) is not None
    return with_context(chain, reached(chain, config), fee_for(message) if known else None)


def get_minimum_balance_for_rent_exemption(chain: Chain, params: Params) -> Any:
    """Lamports that keep an account of a size for ever."""
    size = params.required(0, int)
    if not 0 <= size <= 10 * 1024 * 1024:
        raise invalid_params("Invalid params: an account holds at most 10485760 bytes.")
    return chain.minimum_balance(size)


def get_recent_prioritization_fees(chain: Chain, params: Params) -> Any:
    """Zero for each recent slot: this chain is never full."""
    if len(params.optional(0, list[str]) or []) > MAX_ACCOUNTS_LOOKED_AT:
        raise invalid_params(f"Too many inputs provided; max {MAX_ACCOUNTS_LOOKED_AT}")
    last = chain.slot(Commitment.CONFIRMED)
    return [{"slot": slot, "prioritizationFee": 0} for slot in range(max(0, last - FEE_SLOTS + 1), last + 1)]


METHODS = {
    "getLatestBlockhash": get_latest_blockhash,
    "isBlockhashValid": is_blockhash_valid,
    "getFeeForMessage": get_fee_for_message,
    "getMinimumBalanceForRentExemption": get_minimum_balance_for_rent_exemption,
    "getRecentPrioritizationFees": get_recent_prioritization_fees,
}
