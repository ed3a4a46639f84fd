"""From rows to what callers see."""

from datetime import UTC, datetime
from functools import lru_cache

from api.readings.schemas import Reading, Refusal
from core.domain.readings import StatementKind
from core.domain.units import kwh_from_wh
from core.store.tables.readings import MeterReadingRow, RefusalRow


@lru_cache(maxsize=4_096)  # a list shows the same few moments again and again
def rfc3339(unix_s: int) -> str:
    """Unix seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat().replace("+00:00", "Z")


def reading_of(row: MeterReadingRow) -> Reading:
    """Show a stored reading."""
    return Reading(
        id=row.id or 0,
        user_id=row.user_id,
        wallet_address=row.wallet_address,
        meter_id=row.meter_id,
        sequence=row.sequence,
        kind=StatementKind(row.statement_kind).name.lower(),
        kwh_amount=str(row.kwh_amount),
        generation_kwh=str(kwh_from_wh(row.energy_generation_wh)),
        consumption_kwh=str(kwh_from_wh(row.energy_consumption_wh)),
        reading_timestamp=rfc3339(row.reading_timestamp),
        submitted_at=rfc3339(row.submitted_at),
        meter_signature=row.meter_signature,
        verification_status=row.verification_status,
        reason=row.reason,
        minted=row.minted,
        mint_tx_signature=row.mint_tx_signature,
        mint_timestamp=None if row.mint_timestamp is None else rfc3339(row.mint_timestamp),
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
    )


def refusal_of(row: RefusalRow) -> Refusal:
    """Show a refusal."""
    return Refusal(
        id=row.id or 0,
        claimed_meter_id=row.claimed_meter_id,
        sequence=row.sequence,
        reason=row.reason,
        detail=row.detail,
        source=row.source,
        seen=row.seen,
        first_at=rfc3339(row.first_at),
        last_at=rfc3339(row.last_at),
        payload_sha256=row.payload_sha256,
    )
