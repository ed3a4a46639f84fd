"""A meter's way in: registered on the chain by owner, platform and device, then known to the platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from solders.pubkey import Pubkey
from solders.signature import Signature

from broker.passwords import hash_password
from core.domain.clock import Clock
from core.domain.errors import Conflict, DomainError, InvalidInput
from core.domain.identity import Fleet
from core.store import Store
from core.store import meters as meter_rows
from deploy.funds import require_funds
from devices.provisioning import DeviceCredential, MeterImport, binding_is_signed, record_bound_meter
from programs.client.accounts import MeterAccount
from programs.client.addresses import Addresses
from programs.client.bootstrap import AuthorityKeys
from programs.client.enrolment import MeterEnrolment, read_meter, read_user, register_meter, register_user, verify_user
from programs.client.rpc import ChainClient
from programs.client.signer import Signer

ALREADY: Final = "registered already"


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """What became of one line of an import."""

    meter: MeterImport
    credential: DeviceCredential | None
    """Told this once; unset when the meter was registered before or was refused."""
    problem: str | None
    """Why the meter was refused."""


@final
class Enrolment:
    """Brings meters onto the chain and into the database; safe to repeat after an interruption.

    Args:
        store: the database.
        chain: the chain.
        addresses: of the deployment.
        keys: provisioner, authority and payer.
        network: the deployment's 8 bytes.
        fleet: whose topics the meters use.
        clock: stamps the rows.
    """

    def __init__(
        self,
        *,
        store: Store,
        chain: ChainClient,
        addresses: Addresses,
        keys: AuthorityKeys,
        network: bytes,
        fleet: Fleet,
        clock: Clock,
    ) -> None:
        self._store = store
        self._chain = chain
        self._at = addresses
        self._keys = keys
        self._network = network
        self._fleet = fleet
        self._clock = clock

    async def enrol(self, meter: MeterImport, owners: Mapping[str, Signer]) -> Enrolled:
        """Register one meter; an expected refusal is an answer, not an exception.

        Args:
            meter: a checked line of an import.
            owners: signers by wallet, for owners and meters that are not on the chain yet.
        """
        try:
            return await self._enrol(meter, owners)
        except DomainError as problem:
            return Enrolled(meter=meter, credential=None, problem=str(problem))

    async def _enrol(self, meter: MeterImport, owners: Mapping[str, Signer]) -> Enrolled:
        if not binding_is_signed(meter, network=self._network):
            raise InvalidInput("the binding signature is not this device's over this binding on this network")
        bound = await read_meter(self._chain, self._at, meter.meter_id)
        if bound is None:
            await self._bind(meter, owners)
        else:
            _require_same(meter, bound)
        owner = Pubkey.from_string(meter.owner)
        user = await read_user(self._chain, self._at, owner)
        async with self._store.begin() as session:
            if await meter_rows.find(session, meter.meter_id) is not None:
                return Enrolled(meter=meter, credential=None, problem=None)
            credential = await record_bound_meter(
                session,
                meter,
                fleet=self._fleet,
                token_account=str(self._at.token_account(owner)),
                owner_verified=user is not None and bool(user.verified),
                hash_password=hash_password,
                clock=self._clock,
            )
        return Enrolled(meter=meter, credential=credential, problem=None)

    async def _bind(self, meter: MeterImport, owners: Mapping[str, Signer]) -> None:
        """Owner registered and verified, meter registered: each step is left alone when it is done already."""
        owner = owners.get(meter.owner)
        if owner is None:
            raise InvalidInput(f"the key of owner {meter.owner} is needed to sign the binding: put it into the owners' folder")
        payer = self._keys.payers[0]
        await require_funds(self._chain, owner.pubkey, "owner")
        await register_user(self._chain, self._at, wallet=owner)
        await verify_user(
            self._chain, self._at, payer=payer, authority=self._keys.authority, wallet=owner.pubkey, zone=meter.zone
        )
        await register_meter(
            self._chain,
            self._at,
            enrolment_of(meter, self._network),
            payer=payer,
            owner=owner,
            provisioner=self._keys.provisioner,
        )


def enrolment_of(meter: MeterImport, network: bytes) -> MeterEnrolment:
    """An import's line in the words of the chain."""
    return MeterEnrolment(
        network=network,
        meter_id=meter.meter_id,
        owner=Pubkey.from_string(meter.owner),
        device_key=Pubkey.from_string(meter.public_key),
        signature=bytes(Signature.from_string(meter.binding_signature)),
        base_sequence=meter.base_sequence,
        base_measured_at=meter.base_measured_at,
        base_generation_wh=meter.base_generation_wh,
        base_consumption_wh=meter.base_consumption_wh,
        rated_power_out_w=meter.rated_power_out_w,
        rated_power_in_w=meter.rated_power_in_w,
        zone=meter.zone,
        statement_kind=int(meter.statement_kind),
        proof=int(meter.proof_kind),
        asset_kind=int(meter.asset_kind),
    )


def _require_same(meter: MeterImport, bound: MeterAccount) -> None:
    if (str(bound.owner), str(bound.device_key)) != (meter.owner, meter.public_key):
        raise Conflict(f"meter {meter.meter_id} is on the chain with another owner or another device")
