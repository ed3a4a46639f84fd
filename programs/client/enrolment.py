"""Bringing users and meters onto the chain."""

from dataclasses import dataclass

from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

from core.domain.errors import Conflict
from programs.client.accounts import MeterAccount, UserAccount
from programs.client.addresses import Addresses
from programs.client.confirmation import send_confirmed
from programs.client.instructions import registry
from programs.client.messages import BINDING_MAGIC, Binding
from programs.client.rpc import ChainClient
from programs.client.signer import Signer
from programs.client.transactions import compile_v0

PROSUMER = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterEnrolment:
    """All that a meter's registration says; energy in Wh, power in W, time in Unix seconds."""

    network: bytes
    """8 bytes; part of what the device signed."""
    meter_id: str
    owner: Pubkey
    device_key: Pubkey
    signature: bytes
    """The device's, over `binding`."""
    base_sequence: int
    base_measured_at: int
    base_generation_wh: int
    base_consumption_wh: int
    rated_power_out_w: int
    rated_power_in_w: int
    zone: int
    statement_kind: int
    """1 register, 2 interval."""
    proof: int
    """1 device, 2 attested."""
    asset_kind: int
    """1 solar, 2 wind, 3 battery, 4 residential, 5 commercial."""

    @property
    def binding(self) -> Binding:
        """What the device signed."""
        return Binding(
            magic=BINDING_MAGIC,
            network=self.network,
            meter_id=self.meter_id,
            owner=self.owner,
            sequence=self.base_sequence,
            measured_at=self.base_measured_at,
            base_generation_wh=self.base_generation_wh,
            base_consumption_wh=self.base_consumption_wh,
        )


def register_user_transaction(at: Addresses, *, wallet: Pubkey, blockhash: Hash, kind: int = PROSUMER) -> MessageV0:
    """The unsigned message with which a wallet registers itself; it pays for its own token account."""
    return compile_v0(wallet, [registry.register_user(at, wallet=wallet, kind=kind)], (), blockhash)


def register_meter_instructions(
    at: Addresses, enrolment: MeterEnrolment, *, payer: Pubkey, provisioner: Pubkey, first_index: int = 0
) -> list[Instruction]:
    """The Ed25519 check and the registration.

    Args:
        at: the deployment.
        enrolment: what is registered.
        payer: pays for the accounts.
        provisioner: signs for the platform; the owner signs too.
        first_index: position of the first of the two in its transaction.
    """
    pair = registry.register_meter(
        at,
        payer=payer,
        owner=enrolment.owner,
        provisioner=provisioner,
        binding=enrolment.binding,
        signature=enrolment.signature,
        device_key=enrolment.device_key,
        rated_power_out_w=enrolment.rated_power_out_w,
        rated_power_in_w=enrolment.rated_power_in_w,
        zone=enrolment.zone,
        statement_kind=enrolment.statement_kind,
        proof=enrolment.proof,
        asset_kind=enrolment.asset_kind,
        instruction_index=first_index + 1,
    )
    return list(pair)


async def read_user(client: ChainClient, at: Addresses, wallet: Pubkey) -> UserAccount | None:
    """A wallet's user account."""
    account = await client.account(at.user(wallet))
    return None if account is None else UserAccount.decode(account.data)


async def read_meter(client: ChainClient, at: Addresses, meter_id: str) -> MeterAccount | None:
    """A meter's account."""
    account = await client.account(at.meter(meter_id))
    return None if account is None else MeterAccount.decode(account.data)


async def register_user(client: ChainClient, at: Addresses, *, wallet: Signer, kind: int = PROSUMER) -> str | None:
    """Register a wallet, which pays; returns the signature, or `None` when it is registered already."""
    if await read_user(client, at, wallet.pubkey) is not None:
        return None
    return await send_confirmed(client, wallet, [registry.register_user(at, wallet=wallet.pubkey, kind=kind)])


async def verify_user(
    client: ChainClient, at: Addresses, *, payer: Signer, authority: Signer, wallet: Pubkey, zone: int
) -> str | None:
    """Mark a user as verified and set his zone; returns the signature, or `None` when it is so already."""
    user = await read_user(client, at, wallet)
    if user is not None and user.verified and user.zone == zone:
        return None
    instruction = registry.verify_user(at, authority=authority.pubkey, wallet=wallet, zone=zone)
    return await send_confirmed(client, payer, [instruction], [authority])


async def register_meter(
    client: ChainClient, at: Addresses, enrolment: MeterEnrolment, *, payer: Signer, owner: Signer, provisioner: Signer
) -> str | None:
    """Bind a meter to its owner; returns the signature, or `None` when exactly this binding is on the chain.

    Raises:
        Conflict: the id belongs to another owner or another device.
    """
    meter = await read_meter(client, at, enrolment.meter_id)
    if meter is not None:
        if (meter.owner, meter.device_key) != (enrolment.owner, enrolment.device_key):
            raise Conflict(f"meter {enrolment.meter_id} is registered with another owner or another device")
        return None
    instructions = register_meter_instructions(at, enrolment, payer=payer.pubkey, provisioner=provisioner.pubkey)
    return await send_confirmed(client, payer, instructions, [owner, provisioner])
