"""What an audit may find wrong: the closed set that metrics and alerts name."""

from enum import StrEnum


class Term(StrEnum):
    """One kind of difference: how many there are, and by how much they are off where that is energy."""

    LEDGERS = "ledgers"
    """Attested net = minted - burned - owed + unsettled, of one meter."""
    MINTED_EVENTS = "minted_events"
    """Minted by events and by the meter's account."""
    BURNED_EVENTS = "burned_events"
    """Burned by events and by the meter's account."""
    CORRECTIONS = "corrections"
    """Corrections by events and by the meter's account."""
    NEVER_ACCEPTED = "never_accepted"
    """Energy on the chain that intake never accepted."""
    STRANDED = "stranded"
    """Energy that was accepted, is not on the chain, and is nobody's work."""
    MINTED_AHEAD = "minted_ahead"
    """Readings called minted that the chain has not reached."""
    MINTED_UNKNOWN = "minted_unknown"
    """Readings called minted by transactions that no event tells of."""
    UNKNOWN_TRANSACTIONS = "unknown_transactions"
    """Events of transactions that the chain does not know."""
    STRANGE_EVENTS = "strange_events"
    """Events of a program that is none of ours."""
    ACCOUNTS = "accounts"
    """Meters without an account on the chain."""
    BINDINGS = "bindings"
    """Meters whose owner, token account or device key is another one on the chain."""
    ZONE_CAP = "zone_cap"
    """Minted in a zone's window beyond its cap."""
    SUPPLY = "supply"
    """More tokens than were minted: `burned directly by holders` would be negative."""
    TOKENS_MINTED = "tokens_minted"
    """Minted by the ledgers and by the token program."""
    TOKENS_BURNED = "tokens_burned"
    """Burned by the ledgers and by the token program."""
    TOKENS_RETIRED = "tokens_retired"
    """Retired by events and by the token program."""
    NEVER_FLOWED = "never_flowed"
    """Accepted or held energy that by the simulator's truth never flowed."""

    @property
    def is_in_base_units(self) -> bool:
        """Whether its numbers are tokens' base units."""
        return self in {Term.SUPPLY, Term.TOKENS_MINTED, Term.TOKENS_BURNED, Term.TOKENS_RETIRED}

    @property
    def is_counted(self) -> bool:
        """Whether it is no amount of energy: events and transactions are only counted."""
        return self in {Term.UNKNOWN_TRANSACTIONS, Term.STRANGE_EVENTS}
