from base64 import b64encode
from enum import StrEnum
from typing import Annotated, Any

import base58
import msgspec
from solders.pubkey import Pubkey

from programs.localnet.accounts import AccountState
from programs.localnet.chain import Chain
from programs.localnet.genesis import PROGRAM_DATA_HEADER
from programs.localnet.machine import UPGRADEABLE_LOADER
from programs.localnet.rpc.errors import INVALID_REQUEST, RpcError
from programs.localnet.rpc.params import CommitmentConfig
from programs.localnet.rpc.token_json import address_text, parse_token_state
from programs.localnet.rpc.zstandard import stored_frame

MAX_BASE58_BYTES = 128


class AccountEncoding(StrEnum):
    """How account data travels in JSON."""

    BINARY = "binary"
    BASE58 = "base58"
    BASE64 = "base64"
    BASE64_ZSTD = "base64+zstd"
    JSON_PARSED = "jsonParsed"


class DataSlice(msgspec.Struct, frozen=True):
    """A part of the data, in bytes."""

    offset: Annotated[int, msgspec.Meta(ge=0)]
    length: Annotated[int, msgspec.Meta(ge=0)]


class AccountConfig(CommitmentConfig, rename="camel", frozen=True):
    """Options of methods that return accounts."""

    encoding: AccountEncoding = AccountEncoding.BINARY
    data_slice: DataSlice | None = None


def account_json(chain: Chain, state: AccountState | None, config: AccountConfig) -> dict[str, Any] | None:
    """An account as RPC returns it, `None` when there is none."""
    if state is None:
        return None
    return {
        "data": encode_data(chain, state, config.encoding, config.data_slice),
        "executable": state.executable,
        "lamports": state.lamports,
        "owner": str(Pubkey(state.owner)),
        "rentEpoch": state.rent_epoch,
        "space": len(state.data),
    }


def encode_data(chain: Chain, state: AccountState, encoding: AccountEncoding, part: DataSlice | None) -> Any:
    """Account data in the encoding asked for.

    Raises:
        RpcError: Base58 was asked for more than 128 bytes.
    """
    if encoding is AccountEncoding.JSON_PARSED:
        parsed = parse_token_state(chain, state) or _parse_loader_state(state)
        if parsed is not None:
            return parsed
        encoding = AccountEncoding.BASE64
    data = state.data if part is None else state.data[part.offset : part.offset + part.length]
    if encoding is AccountEncoding.BASE64:
        return [b64encode(data).decode(), "base64"]
    if encoding is AccountEncoding.BASE64_ZSTD:
        return [b64encode(stored_frame(data)).decode(), "base64+zstd"]
    if len(data) > MAX_BASE58_BYTES:
        reason = "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding."
        raise RpcError(INVALID_REQUEST, reason)
    text = base58.b58encode(data).decode()
    return text if encoding is AccountEncoding.BINARY else [text, "base58"]


def _parse_loader_state(state: AccountState) -> dict[str, Any] | None:
    if state.owner != UPGRADEABLE_LOADER or len(state.data) < 4:
        return None
    data = state.data
    match data[0]:
        case 2:
            parsed = {"type": "program", "info": {"programData": address_text(data[4:36])}}
        case 3:
            info = {
                "authority": address_text(data[13:45]) if data[12] else None,
                "data": [b64encode(data[PROGRAM_DATA_HEADER:]).decode(), "base64"],
                "slot": int.from_bytes(data[4:12], "little"),
            }
            parsed = {"type": "programData", "info": info}
        case _:
            return None
    return {"program": "bpf-upgradeable-loader", "parsed": parsed, "space": len(data)}
