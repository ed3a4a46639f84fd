from collections.abc import Mapping
from typing import Any

import msgspec
from solders.hash import Hash
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from programs.localnet.accounts import AccountState
from programs.localnet.blocks import Commitment
from programs.localnet.chain import Chain
from programs.localnet.errors import LocalnetError
from programs.localnet.execution import Simulation
from programs.localnet.outcome import inner_calls, return_data
from programs.localnet.rpc.account_json import AccountConfig, AccountEncoding, account_json
from programs.localnet.rpc.error_text import describe, error_json
from programs.localnet.rpc.errors import (
    INTERNAL_ERROR,
    PREFLIGHT_FAILURE,
    SIGNATURE_VERIFICATION_FAILURE,
    RpcError,
    invalid_params,
)
from programs.localnet.rpc.params import CommitmentConfig, Params, parse_pubkey, reached, with_context
from programs.localnet.rpc.token_json import address_text
from programs.localnet.rpc.transaction_json import inner_json, readable_instruction, return_data_json
from programs.localnet.rpc.wire import WireConfig, decode_transaction
from programs.localnet.transactions import Submission

MAX_AIRDROP_LAMPORTS = 1_000_000 * 10**9


class SendConfig(WireConfig, rename="camel", frozen=True):
    """Options of `sendTransaction`."""

    skip_preflight: bool = False
    preflight_commitment: Commitment | None = None
    max_retries: int | None = None
    min_context_slot: int | None = None


class AccountsWanted(msgspec.Struct, rename="camel", frozen=True):
    """Accounts to return after a simulation."""

    addresses: list[str]
    encoding: AccountEncoding = AccountEncoding.BASE64


class SimulateConfig(WireConfig, rename="camel", frozen=True):
    """Options of `simulateTransaction`."""

    sig_verify: bool = False
    replace_recent_blockhash: bool = False
    inner_instructions: bool = False
    commitment: Commitment | None = None
    min_context_slot: int | None = None
    accounts: AccountsWanted | None = None


def send_transaction(chain: Chain, params: Params) -> Any:
    """Execute a transaction and return its signature; it is durable by then.

    With `skipPreflight` a transaction that cannot land is dropped in silence, as a real node does.
    """
    config = params.config(1, SendConfig)
    submission = decode_transaction(params.required(0, str), config.encoding)
    reached(chain, CommitmentConfig(config.preflight_commitment, config.min_context_slot))
    _verify(submission)
    if not config.skip_preflight:
        simulation = chain.simulate(submission)
        if simulation.err is not None:
            message = f"Transaction simulation failed: {describe(simulation.err)}"
            raise RpcError(PREFLIGHT_FAILURE, message, _simulation_json(simulation))
    chain.execute(submission)
    return str(submission.transaction.signatures[0])


def _verify(submission: Submission) -> None:
    if not all(submission.transaction.verify_with_results()):
        raise RpcError(SIGNATURE_VERIFICATION_FAILURE, "Transaction signature verification failure")


def simulate_transaction(chain: Chain, params: Params) -> Any:
    """What a transaction would do now."""
    config = params.config(1, SimulateConfig)
    submission = decode_transaction(params.required(0, str), config.encoding)
    if config.sig_verify and config.replace_recent_blockhash:
        raise invalid_params("sigVerify may not be used with replaceRecentBlockhash")
    commitment = reached(chain, CommitmentConfig(config.commitment, config.min_context_slot))
    if config.sig_verify:
        _verify(submission)
    replacement = None
    if config.replace_recent_blockhash:
        block = chain.latest_block(commitment)
        submission = _with_blockhash(submission, block.blockhash)
        replacement = {"blockhash": address_text(block.blockhash), "lastValidBlockHeight": block.last_valid_height}
    simulation = chain.simulate(submission, any_blockhash=config.replace_recent_blockhash)
    value = _simulation_json(simulation)
    value["accounts"] = _accounts_after(chain, config.accounts, simulation)
    if replacement is not None:
        value["replacementBlockhash"] = replacement
    if config.inner_instructions and simulation.meta is not None:
        write = readable_instruction(submission.keys)
        value["innerInstructions"] = inner_json(inner_calls(simulation.meta), write)
    return with_context(chain, commitment, value)


def _with_blockhash(submission: Submission, blockhash: bytes) -> Submission:
    message, new = submission.message, Hash(blockhash)
    if isinstance(message, MessageV0):
        lookups = message.address_table_lookups
        changed = MessageV0(message.header, message.account_keys, new, message.instructions, lookups)
    else:
        header = message.header
        roles = (header.num_required_signatures, header.num_readonly_signed_accounts, header.num_readonly_unsigned_accounts)
        changed = Message.new_with_compiled_instructions(*roles, message.account_keys, new, message.instructions)
    return Submission(VersionedTransaction.populate(changed, submission.transaction.signatures))


def _simulation_json(simulation: Simulation) -> dict[str, Any]:
    meta = simulation.meta
    returned = None if meta is None else return_data(meta)
    return {
        "err": error_json(simulation.err),
        "logs": [] if meta is None else meta.logs(),
        "accounts": None,
        "unitsConsumed": 0 if meta is None else meta.compute_units_consumed(),
        "returnData": None if returned is None else return_data_json(returned),
        "innerInstructions": None,
        "replacementBlockhash": None,
        "loadedAccountsDataSize": 0,
    }


def _accounts_after(chain: Chain, wanted: AccountsWanted | None, simulation: Simulation) -> Any:
    if wanted is None:
        return None
    if wanted.encoding in (AccountEncoding.BINARY, AccountEncoding.BASE58):
        raise invalid_params("base58 encoding not supported")
    config = AccountConfig(encoding=wanted.encoding)
    states = [_state_after(chain, parse_pubkey(text), simulation.accounts) for text in wanted.addresses]
    return [account_json(chain, state, config) for state in states]


def _state_after(chain: Chain, address: Pubkey, after: Mapping[bytes, AccountState | None]) -> AccountState | None:
    state = after.get(bytes(address)) or chain.account(address)
    return None if state is None or state.lamports == 0 else state


def request_airdrop(chain: Chain, params: Params) -> Any:
    """Lamports from the faucet."""
    address, lamports = params.pubkey(0), params.required(1, int)
    if not 0 < lamports <= MAX_AIRDROP_LAMPORTS:
        raise invalid_params(f"Invalid params: an airdrop is between 1 and {MAX_AIRDROP_LAMPORTS} lamports.")
    try:
        return str(Signature(chain.fund(address, lamports)))
    except LocalnetError as error:
        raise RpcError(INTERNAL_ERROR, str(error)) from error


METHODS = {
    "sendTransaction": send_transaction,
    "simulateTransaction": simulate_transaction,
    "requestAirdrop": request_airdrop,
}
