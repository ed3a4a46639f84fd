"""The chain by hand (R4.9): thin functions behind `gridtokenx chain ...`, for development and for a look around."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput, NotFound
from core.domain.readings import ProofKind, StatementKind
from programs.client.accounts import MeterAccount, RegistryConfig
from programs.client.addresses import Addresses
from programs.client.confirmation import send_confirmed
from programs.client.enrolment import MeterEnrolment, read_meter
from programs.client.enrolment import register_meter as register
from programs.client.instructions import oracle, registry
from programs.client.instructions.oracle import AttestedReading, ProvenReading
from programs.client.instructions.registry import MeterAccounts
from programs.client.messages import BINDING_MAGIC, INTERVAL_MAGIC, REGISTER_MAGIC, Binding, Statement
from programs.client.rpc import ChainClient
from programs.client.signer import Signer
from programs.client.submissions import Budget, proven_instructions

COMPUTE_UNITS = 200_000
SHOWN_QUALITY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlate:
    """What is fixed when a meter is registered; power in W."""

    meter_id: str
    zone: int = 1
    rated_power_out_w: int = 100_000
    rated_power_in_w: int = 100_000
    statement_kind: StatementKind = StatementKind.REGISTER
    proof: ProofKind = ProofKind.DEVICE
    asset_kind: int = 1


@dataclass(frozen=True, slots=True)
class MeterView:
    """A meter, its ledger, and its owner's tokens in base units."""

    address: Pubkey
    meter: MeterAccount
    owner_base_units: int | None
    """`None` when the token account is closed."""
    supply_base_units: int


async def register_meter(
    client: ChainClient,
    at: Addresses,
    plate: MeterPlate,
    *,
    device: Keypair,
    owner: Signer,
    provisioner: Signer,
    payer: Signer,
    measured_at: int,
) -> str | None:
    """Register a meter whose device key is at hand; base registers are zero.

    Args:
        client: the chain.
        at: the deployment.
        plate: what is fixed.
        device: the device's key, which signs the binding.
        owner: a registered and verified user.
        provisioner: the platform.
        payer: pays.
        measured_at: Unix seconds from which the first reading's time runs.
    """
    network = (await registry_config(client, at)).network
    binding = Binding(BINDING_MAGIC, network, plate.meter_id, owner.pubkey, 0, measured_at, 0, 0)
    enrolment = MeterEnrolment(
        network=network,
        meter_id=plate.meter_id,
        owner=owner.pubkey,
        device_key=device.pubkey(),
        signature=bytes(device.sign_message(binding.pack())),
        base_sequence=0,
        base_measured_at=measured_at,
        base_generation_wh=0,
        base_consumption_wh=0,
        rated_power_out_w=plate.rated_power_out_w,
        rated_power_in_w=plate.rated_power_in_w,
        zone=plate.zone,
        statement_kind=plate.statement_kind,
        proof=plate.proof,
        asset_kind=plate.asset_kind,
    )
    return await register(client, at, enrolment, payer=payer, owner=owner, provisioner=provisioner)


async def submit_reading(
    client: ChainClient,
    at: Addresses,
    meter_id: str,
    *,
    production_wh: int,
    consumption_wh: int,
    device: Keypair,
    attesters: Sequence[Signer],
    measured_at: int,
) -> str:
    """Make, sign, submit and settle a meter's next reading, past broker and bridge; returns the transaction's signature.

    Args:
        client: the chain.
        at: the deployment.
        meter_id: the meter.
        production_wh: growth of generation.
        consumption_wh: growth of consumption.
        device: the device's key.
        attesters: sign for the platform; the first also pays.
        measured_at: Unix seconds, later than the last reading's.

    Raises:
        InvalidInput: negative energy, or no attester.
        NotFound: no such meter.
        TransactionRefused: the programs refuse the reading.
    """
    if production_wh < 0 or consumption_wh < 0:
        raise InvalidInput("production and consumption are zero or more")
    if not attesters:
        raise InvalidInput("an attester's key is needed to submit a reading")
    meter = await _meter(client, at, meter_id)
    network = (await registry_config(client, at)).network
    statement = next_statement(
        network, meter, production_wh=production_wh, consumption_wh=consumption_wh, measured_at=measured_at
    )
    zones, accounts = [at.zone(meter.zone)], MeterAccounts(at.meter(meter_id), meter.token_account)
    reading = proven(device, statement, accounts)
    if meter.proof == ProofKind.DEVICE:
        instructions = proven_instructions(
            at, submitter=attesters[0].pubkey, readings=[reading], zones=zones, budget=Budget(COMPUTE_UNITS, 0)
        )
    else:
        root = sha256(b"\0" + reading.statement + reading.signature + reading.key).digest()
        attested = _attested(meter, production_wh, consumption_wh, measured_at, accounts)
        keys = [signer.pubkey for signer in attesters]
        instructions = [oracle.submit_reading_batch(at, attesters=keys, readings=[attested], merkle_root=root, zones=zones)]
    return await send_confirmed(client, attesters[0], instructions, attesters[1:])


async def settle(client: ChainClient, at: Addresses, meter_id: str, *, payer: Signer, owner: Signer | None = None) -> str:
    """Settle a meter as its owner, or as anyone who turns the crank; returns the transaction's signature.

    Raises:
        NotFound: no such meter.
        TransactionRefused: there is nothing to settle.
    """
    meter = await _meter(client, at, meter_id)
    accounts = MeterAccounts(at.meter(meter_id), meter.token_account)
    if owner is None:
        instruction = registry.settle_meter_balance(at, zones=[at.zone(meter.zone)], meters=[accounts])
        return await send_confirmed(client, payer, [instruction])
    instruction = registry.settle_and_mint_tokens(at, owner=owner.pubkey, zone=meter.zone, meter=accounts)
    return await send_confirmed(client, payer, [instruction], [owner])


async def show(client: ChainClient, at: Addresses, meter_id: str) -> MeterView:
    """Read a meter, its owner's tokens and the supply.

    Raises:
        NotFound: no such meter.
    """
    meter = await _meter(client, at, meter_id)
    tokens = await client.token_balance(meter.token_account)
    return MeterView(at.meter(meter_id), meter, tokens, await client.token_supply(at.mint))


def next_statement(network: bytes, meter: MeterAccount, *, production_wh: int, consumption_wh: int, measured_at: int) -> bytes:
    """The 64 bytes of a meter's next statement, by the ledger on the chain."""
    is_register = meter.statement_kind == StatementKind.REGISTER
    return Statement(
        magic=REGISTER_MAGIC if is_register else INTERVAL_MAGIC,
        network=network,
        meter_id=meter.meter_id,
        sequence=meter.last_sequence + 1,
        measured_at=measured_at,
        generation_wh=production_wh + (meter.raw_generation_wh if is_register else 0),
        consumption_wh=consumption_wh + (meter.raw_consumption_wh if is_register else 0),
    ).pack()


def proven(device: Keypair, statement: bytes, accounts: MeterAccounts) -> ProvenReading:
    """A statement signed by its device."""
    return ProvenReading(bytes(device.pubkey()), bytes(device.sign_message(statement)), statement, accounts)


async def registry_config(client: ChainClient, at: Addresses) -> RegistryConfig:
    """The registry's settings.

    Raises:
        NotFound: the registry is not set up on this chain.
    """
    account = await client.account(at.registry.config)
    if account is None:
        raise NotFound("the registry is not set up on this chain; run 'gridtokenx up' or the bootstrap first")
    return RegistryConfig.decode(account.data)


def _attested(
    meter: MeterAccount, production_wh: int, consumption_wh: int, measured_at: int, accounts: MeterAccounts
) -> AttestedReading:
    """Register meters report registers, interval meters totals since their base."""
    is_register = meter.statement_kind == StatementKind.REGISTER
    return AttestedReading(
        entry_number=meter.entry_number + 1,
        sequence=meter.last_sequence + 1,
        measured_at=measured_at,
        generation_wh=production_wh + (meter.raw_generation_wh if is_register else meter.credited_generation_wh),
        consumption_wh=consumption_wh + (meter.raw_consumption_wh if is_register else meter.credited_consumption_wh),
        quality=SHOWN_QUALITY,
        accounts=accounts,
    )


async def _meter(client: ChainClient, at: Addresses, meter_id: str) -> MeterAccount:
    meter = await read_meter(client, at, meter_id)
    if meter is None:
        raise NotFound(f"meter {meter_id} is not registered on this chain")
    return meter
