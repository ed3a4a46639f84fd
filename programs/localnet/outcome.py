from solders.transaction_metadata import TransactionMetadata

from programs.localnet.accounts import AccountIndex
from programs.localnet.token_state import read_mint, read_token_account
from programs.localnet.transactions import InnerCall, Submission, TokenBalance, TransactionMeta

Balances = tuple[list[int], list[int]]
TokenBalances = tuple[list[TokenBalance], list[TokenBalance]]


def token_balances(keys: list[bytes], accounts: AccountIndex) -> list[TokenBalance]:
    """What the token accounts among a transaction's accounts hold."""
    balances: list[TokenBalance] = []
    for index, key in enumerate(keys):
        state = accounts.get(key)
        token = None if state is None else read_token_account(state)
        if state is None or token is None:
            continue
        mint_state = accounts.get(token.mint)
        mint = None if mint_state is None else read_mint(mint_state)
        decimals = 9 if mint is None else mint.decimals  # only wrapped SOL has no mint account of ours
        balances.append(TokenBalance(index, token.mint, token.owner, state.owner, token.amount, decimals))
    return balances


def landed_meta(
    submission: Submission, err: bytes | None, meta: TransactionMetadata, balances: Balances, tokens: TokenBalances
) -> TransactionMeta:
    """Put together what RPC later tells about a landed transaction.

    The fee is what left its accounts altogether: lamports go nowhere else.
    """
    before, after = balances
    return TransactionMeta(
        err=err,
        fee=sum(before) - sum(after),
        pre_balances=before,
        post_balances=after,
        inner=inner_calls(meta),
        logs=meta.logs(),
        pre_tokens=tokens[0],
        post_tokens=tokens[1],
        loaded_writable=submission.loaded_writable,
        loaded_readonly=submission.loaded_readonly,
        return_data=return_data(meta),
        compute_units=meta.compute_units_consumed(),
    )


def inner_calls(meta: TransactionMetadata) -> list[tuple[int, list[InnerCall]]]:
    """Cross-program calls by top-level instruction, those without any left out."""
    calls: list[tuple[int, list[InnerCall]]] = []
    for index, group in enumerate(meta.inner_instructions()):
        if not group:
            continue
        inner = [(call.instruction(), call.stack_height()) for call in group]  # pyright: ignore[reportAttributeAccessIssue]  # solders' stub lacks it
        calls.append((index, [InnerCall(ix.program_id_index, ix.accounts, ix.data, height) for ix, height in inner]))
    return calls


def return_data(meta: TransactionMetadata) -> tuple[bytes, bytes] | None:
    """Program and data of the last `set_return_data`, `None` when there was none."""
    returned = meta.return_data()  # pyright: ignore[reportAttributeAccessIssue]  # solders' stub names it wrongly
    data = bytes(returned.data)
    return (bytes(returned.program_id), data) if data else None
