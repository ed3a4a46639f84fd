from typing import Any

from programs.localnet.blocks import Commitment
from programs.localnet.chain import Chain
from programs.localnet.execution import minimum_balance
from programs.localnet.fees import fee_for
from programs.localnet.rpc.errors import invalid_params
from programs.localnet.rpc.params import CommitmentConfig, Params, reached, with_context
from programs.localnet.rpc.token_json import address_text
from programs.localnet.rpc.wire import decode_message

MAX_ACCOUNTS_LOOKED_AT = 128
FEE_SLOTS = 150


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


def get_minimum_balance_for_rent_exemption(_chain: Chain, params: Params) -> Any:
    """Lamports that keep an account of a size for ever."""
    size = params.required(0, int)
    if not 0 <= size <= 10 * 1024 * 1024:
        raise invalid_params("Invalid params: an account holds at most 10485760 bytes.")
    return minimum_balance(size)


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
