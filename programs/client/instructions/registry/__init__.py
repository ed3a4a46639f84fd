"""The registry program."""

from programs.client.instructions.registry.corrections import apply_correction, cancel_correction, record_correction
from programs.client.instructions.registry.meters import (
    register_meter,
    resume_meter,
    revoke_device_key,
    rotate_device_key,
    set_meter_status,
)
from programs.client.instructions.registry.settings import (
    accept_authority,
    initialize,
    propose_authority,
    set_correction_limits,
    set_paused,
    set_roles,
)
from programs.client.instructions.registry.settlement import (
    CREDIT_ONLY,
    MeterAccounts,
    get_unsettled_balance,
    settle_and_mint_tokens,
    settle_meter_balance,
    submit_meter_reading,
)
from programs.client.instructions.registry.users import register_user, verify_user
from programs.client.instructions.registry.zones import NO_CAP, accept_zone_authority, create_zone, set_zone

__all__ = [
    "CREDIT_ONLY",
    "NO_CAP",
    "MeterAccounts",
    "accept_authority",
    "accept_zone_authority",
    "apply_correction",
    "cancel_correction",
    "create_zone",
    "get_unsettled_balance",
    "initialize",
    "propose_authority",
    "record_correction",
    "register_meter",
    "register_user",
    "resume_meter",
    "revoke_device_key",
    "rotate_device_key",
    "set_correction_limits",
    "set_meter_status",
    "set_paused",
    "set_roles",
    "set_zone",
    "settle_and_mint_tokens",
    "settle_meter_balance",
    "submit_meter_reading",
    "verify_user",
]
