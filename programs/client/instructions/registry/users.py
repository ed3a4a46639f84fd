"""Wallets that take part."""

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions import system, token2022
from programs.client.instructions.anchor import call, event_of, pack, paying, readonly, signer, writable


def register_user(at: Addresses, *, wallet: Pubkey, kind: int) -> Instruction:
    """Register a wallet, which signs and pays; its token account is created and the registry becomes burn delegate.

    Args:
        at: the deployment.
        wallet: the user.
        kind: 1 prosumer, 2 consumer, 3 generator, 4 aggregator.
    """
    accounts = [
        paying(wallet),
        writable(at.user(wallet)),
        writable(at.registry.config),
        writable(at.token_account(wallet)),
        readonly(at.mint),
        readonly(at.registry.authority),
        readonly(token2022.PROGRAM),
        readonly(token2022.ASSOCIATED_TOKEN_PROGRAM),
        readonly(system.PROGRAM),
        *event_of(at.registry),
    ]
    return call(at.registry, "register_user", pack("B", kind), accounts)


def verify_user(at: Addresses, *, authority: Pubkey, wallet: Pubkey, zone: int, verified: bool = True) -> Instruction:
    """Mark a user as verified, or not, and set the zone."""
    accounts = [
        signer(authority),
        readonly(at.registry.config),
        writable(at.user(wallet)),
        readonly(at.zone(zone)),
        *event_of(at.registry),
    ]
    return call(at.registry, "verify_user", pack("IB", zone, verified), accounts)
