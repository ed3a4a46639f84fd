from base64 import b64encode
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import base58
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from programs.localnet.rpc.error_text import error_json
from programs.localnet.rpc.errors import UNSUPPORTED_TRANSACTION_VERSION, RpcError
from programs.localnet.rpc.instruction_json import parse_instruction
from programs.localnet.rpc.token_json import address_text, ui_amount
from programs.localnet.transactions import InnerCall, Submission, TokenBalance, TransactionMeta, TransactionRecord


class TransactionEncoding(StrEnum):
    """How a transaction travels in a response."""

    JSON = "json"
    JSON_PARSED = "jsonParsed"
    BASE58 = "base58"
    BASE64 = "base64"
    BINARY = "binary"


InstructionJson = Callable[[int, Sequence[int], bytes, int], dict[str, Any]]


def texts(addresses: list[bytes]) -> list[str]:
    """Addresses in base58."""
    return [str(Pubkey(address)) for address in addresses]


def compiled_instruction(program: int, accounts: Sequence[int], data: bytes, stack_height: int) -> dict[str, Any]:
    """An instruction by indexes."""
    encoded = base58.b58encode(data).decode()
    return {"programIdIndex": program, "accounts": list(accounts), "data": encoded, "stackHeight": stack_height}


def readable_instruction(keys: list[bytes]) -> InstructionJson:
    """A writer of instructions by address, decoded where the program is known."""

    def write(program: int, accounts: Sequence[int], data: bytes, stack_height: int) -> dict[str, Any]:
        addresses = texts([keys[index] for index in accounts])
        program_id = str(Pubkey(keys[program]))
        parsed = parse_instruction(program_id, addresses, data)
        if parsed is not None:
            return parsed | {"programId": program_id, "stackHeight": stack_height}
        raw = base58.b58encode(data).decode()
        return {"programId": program_id, "accounts": addresses, "data": raw, "stackHeight": stack_height}

    return write


def transaction_json(record: TransactionRecord, encoding: TransactionEncoding, max_version: int | None) -> dict[str, Any]:
    """A landed transaction with its meta, as `getTransaction` and `getBlock` nest it.

    Raises:
        RpcError: The transaction has a version that the caller did not say it understands.
    """
    transaction = record.transaction()
    version = check_version(transaction, max_version)
    keys = record.addresses()
    writer = readable_instruction(keys) if encoding is TransactionEncoding.JSON_PARSED else compiled_instruction
    body = {"transaction": encode_transaction(transaction, record, encoding), "meta": meta_json(record.meta, writer)}
    if encoding is TransactionEncoding.JSON_PARSED:
        body["meta"].pop("loadedAddresses")
    return body if max_version is None else body | {"version": version}


def check_version(transaction: VersionedTransaction, max_version: int | None) -> int | str:
    """The transaction's version, when the caller understands it."""
    if isinstance(transaction.message, Message):
        return "legacy"
    if max_version is None:
        hint = 'Please try the request again with the following configuration parameter: "maxSupportedTransactionVersion": 0'
        reason = f"Transaction version (0) is not supported by the requesting client. {hint}"
        raise RpcError(UNSUPPORTED_TRANSACTION_VERSION, reason)
    return 0


def encode_transaction(transaction: VersionedTransaction, record: TransactionRecord, encoding: TransactionEncoding) -> Any:
    """The transaction itself."""
    match encoding:
        case TransactionEncoding.BASE64:
            return [b64encode(record.wire).decode(), "base64"]
        case TransactionEncoding.BASE58:
            return [base58.b58encode(record.wire).decode(), "base58"]
        case TransactionEncoding.BINARY:
            return base58.b58encode(record.wire).decode()
        case TransactionEncoding.JSON | TransactionEncoding.JSON_PARSED:
            parsed = encoding is TransactionEncoding.JSON_PARSED
            message = _parsed_message(record) if parsed else message_json(transaction.message)
            return {"signatures": [str(signature) for signature in transaction.signatures], "message": message}


def message_json(message: Message | MessageV0) -> dict[str, Any]:
    """A message by indexes."""
    header = message.header
    body: dict[str, Any] = {
        "accountKeys": [str(key) for key in message.account_keys],
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [compiled_instruction(i.program_id_index, i.accounts, i.data, 1) for i in message.instructions],
    }
    if isinstance(message, MessageV0):
        body["addressTableLookups"] = _lookups(message)
    return body


def _lookups(message: MessageV0) -> list[dict[str, Any]]:
    return [
        {
            "accountKey": str(lookup.account_key),
            "writableIndexes": list(lookup.writable_indexes),
            "readonlyIndexes": list(lookup.readonly_indexes),
        }
        for lookup in message.address_table_lookups
    ]


def _parsed_message(record: TransactionRecord) -> dict[str, Any]:
    submission = Submission(record.transaction())
    message, keys = submission.message, record.addresses()
    write = readable_instruction(keys)
    body: dict[str, Any] = {
        "accountKeys": account_keys_json(submission, record.meta),
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [write(i.program_id_index, i.accounts, i.data, 1) for i in message.instructions],
    }
    if isinstance(message, MessageV0):
        body["addressTableLookups"] = _lookups(message)
    return body


def account_keys_json(submission: Submission, meta: TransactionMeta) -> list[dict[str, Any]]:
    """Every account with its role and where it came from."""
    signers = submission.message.header.num_required_signatures
    keys = [
        {"pubkey": text, "signer": index < signers, "source": "transaction", "writable": submission.is_static_writable(index)}
        for index, text in enumerate(texts(submission.static_keys))
    ]
    for addresses, writable in ((meta.loaded_writable, True), (meta.loaded_readonly, False)):
        keys += [{"pubkey": t, "signer": False, "source": "lookupTable", "writable": writable} for t in texts(addresses)]
    return keys


def meta_json(meta: TransactionMeta, write: InstructionJson) -> dict[str, Any]:
    """What a transaction did."""
    err = error_json(meta.err)
    return {
        "err": err,
        "status": {"Ok": None} if err is None else {"Err": err},
        "fee": meta.fee,
        "preBalances": meta.pre_balances,
        "postBalances": meta.post_balances,
        "innerInstructions": inner_json(meta.inner, write),
        "logMessages": meta.logs,
        "preTokenBalances": [_token_balance(balance) for balance in meta.pre_tokens],
        "postTokenBalances": [_token_balance(balance) for balance in meta.post_tokens],
        "rewards": [],
        "loadedAddresses": {"writable": texts(meta.loaded_writable), "readonly": texts(meta.loaded_readonly)},
        "computeUnitsConsumed": meta.compute_units,
    } | ({} if meta.return_data is None else {"returnData": return_data_json(meta.return_data)})


def inner_json(inner: list[tuple[int, list[InnerCall]]], write: InstructionJson) -> list[dict[str, Any]]:
    """Cross-program calls, grouped by top-level instruction."""
    return [
        {"index": index, "instructions": [write(c.program_index, c.accounts, c.data, c.stack_height) for c in calls]}
        for index, calls in inner
    ]


def return_data_json(returned: tuple[bytes, bytes]) -> dict[str, Any]:
    """What a program returned."""
    program, data = returned
    return {"programId": address_text(program), "data": [b64encode(data).decode(), "base64"]}


def _token_balance(balance: TokenBalance) -> dict[str, Any]:
    return {
        "accountIndex": balance.account_index,
        "mint": address_text(balance.mint),
        "owner": address_text(balance.owner),
        "programId": address_text(balance.program),
        "uiTokenAmount": ui_amount(balance.amount, balance.decimals),
    }
