"""A meter's ledger and its settlement, the mirror of the registry program's arithmetic. All energy in Wh."""

from dataclasses import dataclass

from core.domain.units import BASE_UNITS_PER_WH


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What was credited, corrected and settled for one meter."""

    credited_generation_wh: int
    credited_consumption_wh: int
    correction_net_wh: int
    """Signed; moved by audited corrections alone."""
    settled_net_wh: int
    """Signed; minted less burned."""

    @property
    def target_net_wh(self) -> int:
        """What should be settled: attested net with corrections."""
        return self.credited_generation_wh - self.credited_consumption_wh + self.correction_net_wh

    @property
    def delta_wh(self) -> int:
        """What is left to settle: above zero mints, below zero burns."""
        return self.target_net_wh - self.settled_net_wh

    @property
    def owed_wh(self) -> int:
        """Consumption not yet burned, zero or more."""
        return max(0, -self.delta_wh)

    @property
    def unsettled_wh(self) -> int:
        """Production not yet minted, zero or more."""
        return max(0, self.delta_wh)

    def settled_by(self, moved_wh: int) -> "Ledger":
        """The ledger after `moved_wh` were minted (above zero) or burned (below zero)."""
        return Ledger(
            credited_generation_wh=self.credited_generation_wh,
            credited_consumption_wh=self.credited_consumption_wh,
            correction_net_wh=self.correction_net_wh,
            settled_net_wh=self.settled_net_wh + moved_wh,
        )


def burnable_wh(*, balance: int, delegated: int) -> int:
    """Whole Wh that the delegate may burn; arguments in token base units."""
    return min(balance, delegated) // BASE_UNITS_PER_WH


def settlement_wh(ledger: Ledger, *, balance: int, delegated: int, mint_room_wh: int) -> int:
    """What one settlement moves: Wh minted (above zero) or burned (below zero).

    Args:
        ledger: the meter's ledger before.
        balance: the owner's token base units.
        delegated: base units that the registry may burn.
        mint_room_wh: what the zone's cap leaves in this window; the rest waits.
    """
    if ledger.delta_wh >= 0:
        return min(ledger.delta_wh, mint_room_wh)
    return -min(ledger.owed_wh, burnable_wh(balance=balance, delegated=delegated))
