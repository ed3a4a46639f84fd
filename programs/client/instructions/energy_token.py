"""The energy token program."""

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions import authority as handover
from programs.client.instructions import system, token2022
from programs.client.instructions.anchor import call, event_of, pack, paying, readonly, signer, text, writable


def initialize(
    at: Addresses, *, payer: Pubkey, upgrade_authority: Pubkey, authority: Pubkey, name: str, symbol: str, uri: str
) -> Instruction:
    """Create the mint with its metadata and the settings, once, by the program's upgrade authority."""
    program = at.energy_token
    accounts = [
        paying(payer),
        signer(upgrade_authority),
        readonly(program.program_data),
        writable(program.config),
        writable(at.mint),
        readonly(token2022.PROGRAM),
        readonly(system.PROGRAM),
        *event_of(program),
    ]
    return call(program, "initialize", bytes(authority) + text(name) + text(symbol) + text(uri), accounts)


def propose_authority(at: Addresses, *, authority: Pubkey, new_authority: Pubkey) -> Instruction:
    """Propose the next authority; it changes when that key accepts."""
    return handover.propose_authority(at.energy_token, authority=authority, new_authority=new_authority)


def accept_authority(at: Addresses, *, pending_authority: Pubkey) -> Instruction:
    """Take over as the proposed authority."""
    return handover.accept_authority(at.energy_token, pending_authority=pending_authority)


def set_minting_enabled(at: Addresses, *, authority: Pubkey, enabled: bool) -> Instruction:
    """Enable or disable minting; burning and retiring go on."""
    accounts = [signer(authority), writable(at.energy_token.config), *event_of(at.energy_token)]
    return call(at.energy_token, "set_minting_enabled", pack("B", enabled), accounts)


def mint_from_production(
    at: Addresses, *, amounts: list[tuple[Pubkey, int]], registry_authority: Pubkey | None = None
) -> Instruction:
    """Mint base units to token accounts. Only the registry's own call succeeds: here for tests of the refusal."""
    return _move(at, "mint_from_production", amounts, registry_authority)


def burn_for_consumption(
    at: Addresses, *, amounts: list[tuple[Pubkey, int]], registry_authority: Pubkey | None = None
) -> Instruction:
    """Burn base units from token accounts. Only the registry's own call succeeds: here for tests of the refusal."""
    return _move(at, "burn_for_consumption", amounts, registry_authority)


def retire_tokens(at: Addresses, *, holder: Pubkey, amount: int, beneficiary: str, reason: str) -> Instruction:
    """Retire a holder's tokens for a beneficiary and a reason.

    Args:
        at: the deployment.
        holder: owner of the tokens, who signs.
        amount: base units.
        beneficiary: at most 64 bytes.
        reason: at most 128 bytes.
    """
    accounts = [
        signer(holder),
        writable(at.token_account(holder)),
        writable(at.energy_token.config),
        writable(at.mint),
        readonly(token2022.PROGRAM),
        *event_of(at.energy_token),
    ]
    return call(at.energy_token, "retire_tokens", pack("Q", amount) + text(beneficiary) + text(reason), accounts)


def _move(at: Addresses, name: str, amounts: list[tuple[Pubkey, int]], registry_authority: Pubkey | None) -> Instruction:
    accounts = [
        signer(registry_authority or at.registry.authority),
        writable(at.energy_token.config),
        writable(at.mint),
        readonly(token2022.PROGRAM),
        *event_of(at.energy_token),
        *(writable(account) for account, _ in amounts),
    ]
    data = pack("I", len(amounts)) + b"".join(pack("Q", amount) for _, amount in amounts)
    return call(at.energy_token, name, data, accounts)
