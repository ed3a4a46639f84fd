from decimal import Decimal
from typing import Any

from solders.pubkey import Pubkey

from programs.localnet.accounts import AccountState
from programs.localnet.chain import Chain
from programs.localnet.token_state import (
    ACCOUNT_SIZE,
    TOKEN_2022_PROGRAM,
    Mint,
    TokenAccount,
    read_mint,
    read_token_account,
)

NATIVE_DECIMALS = 9
EXTENSIONS = (
    "uninitialized", "transferFeeConfig", "transferFeeAmount", "mintCloseAuthority", "confidentialTransferMint",
    "confidentialTransferAccount", "defaultAccountState", "immutableOwner", "memoTransfer", "nonTransferable",
    "interestBearingConfig", "cpiGuard", "permanentDelegate", "nonTransferableAccount", "transferHook",
    "transferHookAccount", "confidentialTransferFeeConfig", "confidentialTransferFeeAmount", "metadataPointer",
    "tokenMetadata", "groupPointer", "tokenGroup", "groupMemberPointer", "tokenGroupMember",
    "confidentialMintBurn", "scaledUiAmountConfig", "pausableConfig", "pausableAccount",
)  # fmt: skip


def address_text(address: bytes | None) -> str | None:
    """An address in base58."""
    return None if address is None else str(Pubkey(address))


def ui_amount(amount: int, decimals: int) -> dict[str, Any]:
    """An amount of base units in the three spellings that RPC gives."""
    exact = Decimal(amount).scaleb(-decimals)
    text = f"{exact:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return {"amount": str(amount), "decimals": decimals, "uiAmount": float(exact), "uiAmountString": text}


def mint_decimals(chain: Chain, mint: bytes) -> int:
    """Decimals of a mint; wrapped SOL has 9 and no mint account here."""
    state = chain.accounts.get(mint)
    parsed = None if state is None else read_mint(state)
    return NATIVE_DECIMALS if parsed is None else parsed.decimals


def parse_token_state(chain: Chain, state: AccountState) -> dict[str, Any] | None:
    """The `jsonParsed` form of a mint or token account, `None` for anything else."""
    mint, account = read_mint(state), read_token_account(state)
    if mint is not None:
        kind, info = "mint", _mint_info(mint)
    elif account is not None:
        kind, info = "account", _account_info(account, mint_decimals(chain, account.mint))
    else:
        return None
    is_2022 = state.owner == TOKEN_2022_PROGRAM
    if is_2022 and len(state.data) > ACCOUNT_SIZE:
        info["extensions"] = _extensions(state.data)
    program = "spl-token-2022" if is_2022 else "spl-token"
    return {"program": program, "parsed": {"type": kind, "info": info}, "space": len(state.data)}


def _mint_info(mint: Mint) -> dict[str, Any]:
    return {
        "decimals": mint.decimals,
        "freezeAuthority": address_text(mint.freeze_authority),
        "isInitialized": mint.initialized,
        "mintAuthority": address_text(mint.authority),
        "supply": str(mint.supply),
    }


def _account_info(account: TokenAccount, decimals: int) -> dict[str, Any]:
    info: dict[str, Any] = {
        "isNative": account.native_reserve is not None,
        "mint": address_text(account.mint),
        "owner": address_text(account.owner),
        "state": account.state,
        "tokenAmount": ui_amount(account.amount, decimals),
    }
    if account.delegate is not None:
        info["delegate"] = address_text(account.delegate)
        info["delegatedAmount"] = ui_amount(account.delegated_amount, decimals)
    if account.native_reserve is not None:
        info["rentExemptReserve"] = ui_amount(account.native_reserve, decimals)
    if account.close_authority is not None:
        info["closeAuthority"] = address_text(account.close_authority)
    return info


def _extensions(data: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    at = ACCOUNT_SIZE + 1
    while at + 4 <= len(data):
        kind, size = (int.from_bytes(data[at + i : at + i + 2], "little") for i in (0, 2))
        if kind == 0:
            break
        value = data[at + 4 : at + 4 + size]
        found.append(_extension(EXTENSIONS[kind] if kind < len(EXTENSIONS) else "unparseableExtension", value))
        at += 4 + size
    return found


def _extension(name: str, value: bytes) -> dict[str, Any]:
    match name:
        case "mintCloseAuthority":
            return {"extension": name, "state": {"closeAuthority": _optional_address(value[0:32])}}
        case "permanentDelegate":
            return {"extension": name, "state": {"delegate": _optional_address(value[0:32])}}
        case "metadataPointer":
            pointer = {"authority": _optional_address(value[0:32]), "metadataAddress": _optional_address(value[32:64])}
            return {"extension": name, "state": pointer}
        case "memoTransfer":
            return {"extension": name, "state": {"requireIncomingTransferMemos": bool(value[0])}}
        case "tokenMetadata":
            return {"extension": name, "state": _metadata(value)}
        case _:
            return {"extension": name}


def _optional_address(value: bytes) -> str | None:
    return address_text(value) if any(value) else None


def _metadata(value: bytes) -> dict[str, Any]:
    at = 64

    def text() -> str:
        nonlocal at
        size = int.from_bytes(value[at : at + 4], "little")
        at += 4 + size
        return value[at - size : at].decode(errors="replace")

    name, symbol, uri = text(), text(), text()
    count = int.from_bytes(value[at : at + 4], "little")
    at += 4
    additional = [[text(), text()] for _ in range(count)]
    return {
        "updateAuthority": _optional_address(value[0:32]),
        "mint": address_text(value[32:64]),
        "name": name,
        "symbol": symbol,
        "uri": uri,
        "additionalMetadata": additional,
    }
