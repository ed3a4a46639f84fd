"""Rows of a meter that the chain has bound. Times in Unix seconds."""

from collections.abc import Sequence

from core.domain.clock import Clock
from core.domain.errors import Conflict, NotFound
from core.domain.identity import Fleet, MeterId
from core.domain.readings import MeterStatus
from core.store import Session, audit_log, device_keys, meters, users
from core.store.tables.meters import BrokerCredentialRow, DeviceKeyRow, MeterRow
from devices.provisioning.credentials import DeviceCredential, HashPassword, hashed, new_credential
from devices.provisioning.meter_import import MeterImport

ACTIVE_FROM_ALWAYS = 0
"""The key of the binding counts for all that the meter measured since its base."""


async def record_bound_meter(
    session: Session,
    meter: MeterImport,
    *,
    fleet: Fleet,
    token_account: str,
    owner_verified: bool,
    hash_password: HashPassword,
    clock: Clock,
    actor: str = "operator",
) -> DeviceCredential:
    """Write the owner, the meter, its key and its broker credential, with an audit row.

    Args:
        session: the transaction.
        meter: what the chain registered.
        fleet: whose topics the meter uses.
        token_account: where its tokens go, base58.
        owner_verified: what the chain says of the owner.
        hash_password: how the broker stores passwords.
        clock: stamps the rows.
        actor: who did it, for the audit.

    Returns:
        The device's credential, whose password is told this once.

    Raises:
        Conflict: the meter or its key is registered already.
    """
    if await meters.find(session, meter.meter_id) is not None:
        raise Conflict(f"meter {meter.meter_id} is registered already")
    if (key := await device_keys.find(session, meter.public_key)) is not None:
        raise Conflict(f"the key of meter {meter.meter_id} serves meter {key.meter_id}: one key serves one meter")
    now = clock.now()
    user = await users.record(
        session, wallet_address=meter.owner, token_account=token_account, zone=meter.zone, verified=owner_verified, now=now
    )
    if user.id is None:
        raise RuntimeError("a stored user has an id")
    session.add(_meter_row(meter, fleet=fleet, user_id=user.id, token_account=token_account, now=now))
    await session.flush()
    credential = new_credential(fleet, meter.meter_id)
    session.add(DeviceKeyRow(public_key=meter.public_key, meter_id=meter.meter_id, valid_from=ACTIVE_FROM_ALWAYS))
    session.add(
        BrokerCredentialRow(
            username=credential.username,
            meter_id=meter.meter_id,
            fleet=fleet,
            password_hash=hashed(credential, hash_password),
            created_at=now,
        )
    )
    await session.flush()
    await _audit(session, meter, actor, now)
    return credential


async def renew_credential(
    session: Session, meter_id: MeterId, *, hash_password: HashPassword, clock: Clock, actor: str = "operator"
) -> DeviceCredential:
    """Replace a device's password: for one that was lost; the old one is refused from now on.

    Raises:
        NotFound: the meter is not registered.
    """
    row = await meters.find_credential(session, meter_id)
    if row is None:
        raise NotFound(f"meter {meter_id} is not registered")
    credential = new_credential(Fleet(row.fleet), meter_id)
    row.password_hash, row.created_at = hashed(credential, hash_password), clock.now()
    session.add(row)
    await audit_log.record(session, at=clock.now(), actor=actor, action="credential.renewed", subject=meter_id, details={})
    return credential


async def list_meters(
    session: Session, *, fleet: Fleet | None = None, status: MeterStatus | None = None, after: str = "", limit: int = 50
) -> Sequence[MeterRow]:
    """Meters in the order of their ids, those after `after`."""
    return await meters.page(session, fleet=fleet, status=status, after=after, limit=limit)


async def find_meter(session: Session, name: str) -> MeterRow | None:
    """A meter by its id or by the foreign id it was imported under."""
    return await meters.find(session, name) or await meters.find_by_legacy_id(session, name)


async def show_meter(session: Session, name: str) -> MeterRow:
    """Like `find_meter`, or NotFound."""
    if (row := await find_meter(session, name)) is None:
        raise NotFound(f"meter {name} is not registered")
    return row


def _meter_row(meter: MeterImport, *, fleet: Fleet, user_id: int, token_account: str, now: int) -> MeterRow:
    """The base is the first mark: nothing at or below it counts, and the energy budget starts empty there."""
    return MeterRow(
        meter_id=meter.meter_id,
        legacy_id=meter.legacy_id,
        fleet=fleet,
        user_id=user_id,
        wallet_address=meter.owner,
        token_account=token_account,
        asset_kind=int(meter.asset_kind),
        statement_kind=int(meter.statement_kind),
        proof_kind=int(meter.proof_kind),
        zone=meter.zone,
        rated_power_out_w=meter.rated_power_out_w,
        rated_power_in_w=meter.rated_power_in_w,
        status=int(MeterStatus.ACTIVE),
        base_sequence=meter.base_sequence,
        base_measured_at=meter.base_measured_at,
        base_generation_wh=meter.base_generation_wh,
        base_consumption_wh=meter.base_consumption_wh,
        highest_sequence=meter.base_sequence,
        contiguous_sequence=meter.base_sequence,
        last_sequence=meter.base_sequence,
        last_measured_at=meter.base_measured_at,
        last_generation_wh=meter.base_generation_wh,
        last_consumption_wh=meter.base_consumption_wh,
        budget_at=meter.base_measured_at,
        created_at=now,
        updated_at=now,
    )


async def _audit(session: Session, meter: MeterImport, actor: str, now: int) -> None:
    await audit_log.record(
        session,
        at=now,
        actor=actor,
        action="meter.bound",
        subject=meter.meter_id,
        details={
            "legacy_id": meter.legacy_id,
            "owner": meter.owner,
            "public_key": meter.public_key,
            "base_sequence": meter.base_sequence,
            "base_measured_at": meter.base_measured_at,
            "base_generation_wh": meter.base_generation_wh,
            "base_consumption_wh": meter.base_consumption_wh,
        },
    )
