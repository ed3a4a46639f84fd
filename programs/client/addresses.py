"""Every derived address. Derivation costs microseconds to milliseconds: fixed ones are derived once and the rest remembered."""

from dataclasses import dataclass
from functools import lru_cache

from solders.pubkey import Pubkey

from core.domain.identity import meter_id_bytes, parse_meter_id
from programs.client.ids import PROGRAM_IDS, ProgramIds
from programs.client.instructions import token2022
from programs.client.loader import program_data_address

INSTRUCTIONS_SYSVAR = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
REMEMBERED = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramAddresses:
    """What every program of ours has."""

    id: Pubkey
    config: Pubkey
    authority: Pubkey
    """The address with which the program signs its calls to others."""
    event_authority: Pubkey
    program_data: Pubkey


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The addresses of one deployment; made by `addresses_of`."""

    ids: ProgramIds
    registry: ProgramAddresses
    oracle: ProgramAddresses
    energy_token: ProgramAddresses
    mint: Pubkey
    roots: Pubkey
    """The oracle's range of Merkle roots."""

    def user(self, wallet: Pubkey) -> Pubkey:
        """A wallet's user account."""
        return user(self.ids.registry, wallet)

    def zone(self, zone: int) -> Pubkey:
        """A zone's account."""
        return Pubkey.find_program_address([b"zone", zone.to_bytes(4, "little")], self.ids.registry)[0]

    def meter(self, meter_id: str) -> Pubkey:
        """A meter's account.

        Raises:
            InvalidInput: no valid meter id.
        """
        return meter(self.ids.registry, meter_id)

    def device(self, key: Pubkey) -> Pubkey:
        """A device key's account."""
        return Pubkey.find_program_address([b"device", bytes(key)], self.ids.registry)[0]

    def token_account(self, wallet: Pubkey) -> Pubkey:
        """A wallet's associated energy token account."""
        return token_account(wallet, self.mint)


@lru_cache(maxsize=REMEMBERED)
def meter(registry: Pubkey, meter_id: str) -> Pubkey:
    """A meter's account."""
    return Pubkey.find_program_address([b"meter", meter_id_bytes(parse_meter_id(meter_id))], registry)[0]


@lru_cache(maxsize=REMEMBERED)
def user(registry: Pubkey, wallet: Pubkey) -> Pubkey:
    """A wallet's user account."""
    return Pubkey.find_program_address([b"user", bytes(wallet)], registry)[0]


@lru_cache(maxsize=REMEMBERED)
def token_account(wallet: Pubkey, mint: Pubkey) -> Pubkey:
    """A wallet's associated token account under Token-2022."""
    return token2022.associated_address(wallet, mint)


def energy_mint(ids: ProgramIds = PROGRAM_IDS) -> Pubkey:
    """The energy token's mint."""
    return addresses_of(ids).mint


@lru_cache(maxsize=16)
def addresses_of(ids: ProgramIds = PROGRAM_IDS) -> Addresses:
    """The addresses of a deployment."""
    return Addresses(
        ids=ids,
        registry=_of_program(ids.registry),
        oracle=_of_program(ids.oracle),
        energy_token=_of_program(ids.energy_token),
        mint=_derived(b"mint", ids.energy_token),
        roots=_derived(b"roots", ids.oracle),
    )


def _of_program(program: Pubkey) -> ProgramAddresses:
    return ProgramAddresses(
        id=program,
        config=_derived(b"config", program),
        authority=_derived(b"authority", program),
        event_authority=_derived(b"__event_authority", program),
        program_data=program_data_address(program),
    )


def _derived(seed: bytes, program: Pubkey) -> Pubkey:
    return Pubkey.find_program_address([seed], program)[0]
