"""The programs' accounts as frozen dataclasses, read with `struct`."""

from programs.client.accounts.energy_token import EnergyTokenConfig
from programs.client.accounts.oracle import OracleConfig, RootsAccount
from programs.client.accounts.registry import DeviceKeyAccount, MeterAccount, RegistryConfig, UserAccount, ZoneAccount

__all__ = [
    "DeviceKeyAccount",
    "EnergyTokenConfig",
    "MeterAccount",
    "OracleConfig",
    "RegistryConfig",
    "RootsAccount",
    "UserAccount",
    "ZoneAccount",
]
