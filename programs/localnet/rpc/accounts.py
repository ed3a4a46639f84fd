from base64 import b64decode
from typing import Annotated, Any

import base58
import msgspec
from solders.pubkey import Pubkey

from programs.localnet.accounts import AccountState
from programs.localnet.chain import Chain
from programs.localnet.rpc.account_json import AccountConfig, account_json
from programs.localnet.rpc.errors import invalid_params
from programs.localnet.rpc.params import CommitmentConfig, Params, parse_pubkey, reached, with_context
from programs.localnet.token_state import read_token_account

MAX_MULTIPLE_ACCOUNTS = 100
MAX_FILTERS = 4


class Memcmp(msgspec.Struct, frozen=True):
    """Compare bytes at an offset."""

    offset: Annotated[int, msgspec.Meta(ge=0)]
    bytes: str | list[int]
    encoding: str = "base58"


class Filter(msgspec.Struct, rename="camel", frozen=True):
    """One condition on an account's data."""

    memcmp: Memcmp | None = None
    data_size: int | None = None
    token_account_state: None = None


class ProgramAccountsConfig(AccountConfig, rename="camel", frozen=True):
    """Options of `getProgramAccounts`."""

    filters: list[dict[str, Any] | str] | None = None
    with_context: bool = False
    sort_results: bool = True


class CompiledFilters:
    """Conditions on account data, checked once and applied often.

    Raises:
        RpcError: A filter is malformed, or there are more than four.
    """

    def __init__(self, filters: list[dict[str, Any] | str] | None) -> None:
        self._size: int | None = None
        self._parts: list[tuple[int, bytes]] = []
        self._token_accounts_only = False
        if filters is not None and len(filters) > MAX_FILTERS:
            raise invalid_params(f"Too many filters provided; max: {MAX_FILTERS}")
        for given in filters or []:
            self._add(given)

    def _add(self, given: dict[str, Any] | str) -> None:
        if given == "tokenAccountState" or (isinstance(given, dict) and "tokenAccountState" in given):
            self._token_accounts_only = True
            return
        try:
            condition = msgspec.convert(given, Filter)
        except msgspec.ValidationError as error:
            raise invalid_params(f"Invalid params: {error}.") from error
        if condition.data_size is not None:
            self._size = condition.data_size
        if condition.memcmp is not None:
            self._parts.append((condition.memcmp.offset, _memcmp_bytes(condition.memcmp)))
        if condition.data_size is None and condition.memcmp is None:
            raise invalid_params("Invalid params: a filter is memcmp, dataSize or tokenAccountState.")

    def match(self, state: AccountState) -> bool:
        """Whether an account meets all conditions."""
        if self._size is not None and len(state.data) != self._size:
            return False
        if self._token_accounts_only and read_token_account(state) is None:
            return False
        return all(state.data[offset : offset + len(part)] == part for offset, part in self._parts)


def _memcmp_bytes(memcmp: Memcmp) -> bytes:
    try:
        if isinstance(memcmp.bytes, list):
            return bytes(memcmp.bytes)
        if memcmp.encoding == "base64":
            return b64decode(memcmp.bytes, validate=True)
        return base58.b58decode(memcmp.bytes)
    except ValueError as error:
        raise invalid_params(f"Invalid param: memcmp bytes cannot be decoded: {error}") from error


def get_account_info(chain: Chain, params: Params) -> Any:
    """One account."""
    address, config = params.pubkey(0), params.config(1, AccountConfig)
    return with_context(chain, reached(chain, config), account_json(chain, chain.account(address), config))


def get_multiple_accounts(chain: Chain, params: Params) -> Any:
    """Up to 100 accounts, in the order asked for."""
    addresses, config = params.required(0, list[str]), params.config(1, AccountConfig)
    if len(addresses) > MAX_MULTIPLE_ACCOUNTS:
        raise invalid_params(f"Too many inputs provided; max {MAX_MULTIPLE_ACCOUNTS}")
    keys = [parse_pubkey(text) for text in addresses]
    value = [account_json(chain, chain.account(key), config) for key in keys]
    return with_context(chain, reached(chain, config), value)


def get_balance(chain: Chain, params: Params) -> Any:
    """Lamports of one account."""
    address, config = params.pubkey(0), params.config(1, CommitmentConfig)
    return with_context(chain, reached(chain, config), chain.balance(address))


def get_program_accounts(chain: Chain, params: Params) -> Any:
    """Accounts owned by a program that meet all filters, ordered by address."""
    program, config = params.pubkey(0), params.config(1, ProgramAccountsConfig)
    filters, commitment = CompiledFilters(config.filters), reached(chain, config)
    found = [
        {"pubkey": str(Pubkey(address)), "account": account_json(chain, state, config)}
        for address, state in chain.accounts.owned_by(bytes(program))
        if filters.match(state)
    ]
    return with_context(chain, commitment, found) if config.with_context else found


METHODS = {
    "getAccountInfo": get_account_info,
    "getMultipleAccounts": get_multiple_accounts,
    "getBalance": get_balance,
    "getProgramAccounts": get_program_accounts,
}
