from typing import Any

import msgspec
from solders.pubkey import Pubkey

from programs.localnet.chain import Chain
from programs.localnet.rpc.account_json import AccountConfig, account_json
from programs.localnet.rpc.errors import invalid_params
from programs.localnet.rpc.params import CommitmentConfig, Params, parse_pubkey, reached, with_context
from programs.localnet.rpc.token_json import mint_decimals, ui_amount
from programs.localnet.token_state import TOKEN_PROGRAMS, TokenAccount, read_mint, read_token_account

LARGEST_ACCOUNTS = 20


class TokenFilter(msgspec.Struct, rename="camel", frozen=True):
    """Which token accounts: of one mint, or of one token program."""

    mint: str | None = None
    program_id: str | None = None


def get_token_account_balance(chain: Chain, params: Params) -> Any:
    """What a token account holds."""
    address, config = params.pubkey(0), params.config(1, CommitmentConfig)
    state = chain.account(address)
    if state is None:
        raise invalid_params("Invalid param: could not find account")
    token = read_token_account(state)
    if token is None:
        raise invalid_params("Invalid param: not a Token account")
    return with_context(chain, reached(chain, config), ui_amount(token.amount, mint_decimals(chain, token.mint)))


def get_token_supply(chain: Chain, params: Params) -> Any:
    """What was minted and not burned."""
    address, config = params.pubkey(0), params.config(1, CommitmentConfig)
    state = chain.account(address)
    if state is None:
        raise invalid_params("Invalid param: could not find account")
    mint = read_mint(state)
    if mint is None:
        raise invalid_params("Invalid param: not a Token mint")
    return with_context(chain, reached(chain, config), ui_amount(mint.supply, mint.decimals))


def get_token_accounts_by_owner(chain: Chain, params: Params) -> Any:
    """Token accounts of an owner."""
    return _token_accounts(chain, params, lambda token: token.owner)


def get_token_accounts_by_delegate(chain: Chain, params: Params) -> Any:
    """Token accounts with a delegate."""
    return _token_accounts(chain, params, lambda token: token.delegate)


def _token_accounts(chain: Chain, params: Params, party: Any) -> Any:
    address, which = bytes(params.pubkey(0)), params.required(1, TokenFilter)
    config = params.config(2, AccountConfig)
    mint, programs = _scope(chain, which)
    found: list[dict[str, Any]] = []
    for program in programs:
        for key, state in chain.accounts.owned_by(program):
            token = read_token_account(state)
            if token is not None and party(token) == address and mint in (None, token.mint):
                found.append({"pubkey": str(Pubkey(key)), "account": account_json(chain, state, config)})
    return with_context(chain, reached(chain, config), found)


def _scope(chain: Chain, which: TokenFilter) -> tuple[bytes | None, tuple[bytes, ...]]:
    if which.program_id is not None:
        program = bytes(parse_pubkey(which.program_id))
        if program not in TOKEN_PROGRAMS:
            raise invalid_params("Invalid param: unrecognized Token program id")
        return None, (program,)
    if which.mint is None:
        raise invalid_params("Invalid params: either mint or programId is needed.")
    mint = bytes(parse_pubkey(which.mint))
    state = chain.account(mint)
    if state is None or read_mint(state) is None:
        raise invalid_params("Invalid param: could not find mint")
    return mint, (state.owner,)


def get_token_largest_accounts(chain: Chain, params: Params) -> Any:
    """The 20 largest holders of a mint."""
    address, config = params.pubkey(0), params.config(1, CommitmentConfig)
    state = chain.account(address)
    mint = None if state is None else read_mint(state)
    if state is None or mint is None:
        raise invalid_params("Invalid param: not a Token mint")
    held: list[tuple[str, TokenAccount]] = []
    for key, account in chain.accounts.owned_by(state.owner):
        token = read_token_account(account)
        if token is not None and token.mint == bytes(address):
            held.append((str(Pubkey(key)), token))
    held.sort(key=lambda entry: -entry[1].amount)
    value = [{"address": key} | ui_amount(token.amount, mint.decimals) for key, token in held[:LARGEST_ACCOUNTS]]
    return with_context(chain, reached(chain, config), value)


METHODS = {
    "getTokenAccountBalance": get_token_account_balance,
    "getTokenSupply": get_token_supply,
    "getTokenAccountsByOwner": get_token_accounts_by_owner,
    "getTokenAccountsByDelegate": get_token_accounts_by_delegate,
    "getTokenLargestAccounts": get_token_largest_accounts,
}
