"""The energy token program's accounts."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from programs.client.accounts.record import AccountRecord
from programs.client.layout import U8, U128, Key, raw


@dataclass(frozen=True, slots=True)
class EnergyTokenConfig(AccountRecord):
    """Settings and totals; its address is the mint's authority."""

    idl_name: ClassVar[str] = "Config"

    authority: Key
    """May enable and disable minting."""
    pending_authority: Key
    """Proposed next authority; zero when none."""
    mint: Key
    """The mint."""
    registry_authority: Key
    """The only caller of minting and burning: the registry's derived address."""
    minted_units: U128
    """Minted in all, base units."""
    burned_units: U128
    """Burned for consumption in all, base units."""
    retired_units: U128
    """Retired by holders in all, base units."""
    minting_enabled: U8
    """1 when minting is enabled."""
    bump: U8
    """Bump of this account's address."""
    mint_bump: U8
    """Bump of the mint's address."""
    reserved: Annotated[bytes, raw(85)]
    """Zero."""
