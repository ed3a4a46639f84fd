from typing import Any

import msgspec
from solders.signature import Signature

from programs.localnet.blocks import Commitment
from programs.localnet.chain import Chain
from programs.localnet.rpc.error_text import error_json
from programs.localnet.rpc.errors import invalid_params
from programs.localnet.rpc.params import CommitmentConfig, Params, parse_signature, reached, with_context
from programs.localnet.rpc.transaction_json import TransactionEncoding, transaction_json
from programs.localnet.transactions import TransactionRecord

MAX_STATUSES = 256
MAX_SIGNATURES = 1000
END_OF_TIME = (2**63 - 1, 2**63 - 1)
BEFORE_GENESIS = (-1, -1)
MEMO_PROGRAMS = ("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")


class StatusConfig(msgspec.Struct, rename="camel", frozen=True):
    """Options of `getSignatureStatuses`."""

    search_transaction_history: bool = False


class SignaturesConfig(CommitmentConfig, rename="camel", frozen=True):
    """Options of `getSignaturesForAddress`."""

    before: str | None = None
    until: str | None = None
    limit: int = MAX_SIGNATURES


class TransactionConfig(CommitmentConfig, rename="camel", frozen=True):
    """Options of `getTransaction`."""

    encoding: TransactionEncoding = TransactionEncoding.JSON
    max_supported_transaction_version: int | None = None


def settled(chain: Chain, config: CommitmentConfig) -> Commitment:
    """The commitment of a history question, which starts at confirmed.

    Raises:
        RpcError: Processed was asked for.
    """
    if config.level is Commitment.PROCESSED:
        raise invalid_params("Method does not support commitment below `confirmed`")
    return reached(chain, config)


def get_signature_statuses(chain: Chain, params: Params) -> Any:
    """What became of transactions.

    All of history is searched whether asked for or not: without it a real node only knows recent slots.
    """
    signatures = params.required(0, list[str])
    params.config(1, StatusConfig)
    if len(signatures) > MAX_STATUSES:
        raise invalid_params(f"Too many inputs provided; max {MAX_STATUSES}")
    records = [chain.storage.transaction(bytes(parse_signature(text))) for text in signatures]
    value = [None if record is None else _status(chain, record) for record in records]
    return with_context(chain, Commitment.PROCESSED, value)


def _status(chain: Chain, record: TransactionRecord) -> dict[str, Any]:
    level = chain.commitment_of(record.slot)
    err = error_json(record.meta.err)
    return {
        "slot": record.slot,
        "confirmations": None if level is Commitment.FINALIZED else chain.open_slot - record.slot,
        "err": err,
        "status": {"Ok": None} if err is None else {"Err": err},
        "confirmationStatus": level.value,
    }


def get_signatures_for_address(chain: Chain, params: Params) -> Any:
    """Transactions that name an address, newest first."""
    address, config = params.pubkey(0), params.config(1, SignaturesConfig)
    if not 0 < config.limit <= MAX_SIGNATURES:
        raise invalid_params(f"Invalid limit; max {MAX_SIGNATURES}")
    newest = (chain.slot(settled(chain, config)) + 1, -1)
    before = newest if config.before is None else min(newest, _position(chain, config.before))
    until = BEFORE_GENESIS if config.until is None else _position(chain, config.until, missing=BEFORE_GENESIS)
    records = chain.storage.transactions_of(bytes(address), before, until, config.limit)
    return [_signature_line(chain, record) for record in records]


def _position(chain: Chain, text: str, missing: tuple[int, int] | None = None) -> tuple[int, int]:
    position = chain.storage.position_of(bytes(parse_signature(text))) or missing
    if position is None:
        raise invalid_params(f"Invalid param: transaction {text} is not known")
    return position


def _signature_line(chain: Chain, record: TransactionRecord) -> dict[str, Any]:
    return {
        "signature": str(Signature(record.signature)),
        "slot": record.slot,
        "err": error_json(record.meta.err),
        "memo": memo_of(record),
        "blockTime": chain.block_time(record.slot),
        "confirmationStatus": chain.commitment_of(record.slot).value,
    }


def memo_of(record: TransactionRecord) -> str | None:
    """Memos of a transaction's top-level instructions as explorers show them: `[length] text`."""
    message = record.transaction().message
    keys = [str(key) for key in message.account_keys]
    memos = [ix.data for ix in message.instructions if keys[ix.program_id_index] in MEMO_PROGRAMS]
    return "; ".join(f"[{len(memo)}] {memo.decode(errors='replace')}" for memo in memos) or None


def get_transaction(chain: Chain, params: Params) -> Any:
    """One landed transaction, null while it has not reached the commitment."""
    signature = params.signature(0)
    config = _transaction_config(params)
    commitment = settled(chain, config)
    record = chain.storage.transaction(bytes(signature))
    if record is None or record.slot > chain.slot(commitment):
        return None
    body = transaction_json(record, config.encoding, config.max_supported_transaction_version)
    return {"slot": record.slot, "blockTime": chain.block_time(record.slot)} | body


def _transaction_config(params: Params) -> TransactionConfig:
    if len(params) > 1 and not params.is_object(1):
        encoding = params.optional(1, TransactionEncoding)
        return TransactionConfig(encoding=encoding or TransactionEncoding.JSON)
    return params.config(1, TransactionConfig)


METHODS = {
    "getSignatureStatuses": get_signature_statuses,
    "getSignaturesForAddress": get_signatures_for_address,
    "getTransaction": get_transaction,
}
