"""Whether a chain runs these builds, set up as they must be: read only, for anybody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from core.domain.network import network_bytes
from programs.client.accounts import EnergyTokenConfig, OracleConfig, RegistryConfig
from programs.client.addresses import Addresses
from programs.client.deployment.builds import Build
from programs.client.deployment.survey import ProgramSurvey, survey
from programs.client.instructions import token2022
from programs.client.instructions.token2022 import Mint
from programs.client.rpc import AccountInfo, ChainClient

DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    part: str
    ok: bool
    says: str


async def verify(
    client: ChainClient, builds: Sequence[Build], at: Addresses, *, upgrade_authority: Pubkey | None = None
) -> list[Finding]:
    """Compare code, authorities and settings on the chain with what this repository builds.

    Args:
        client: the chain.
        builds: the programs.
        at: their addresses.
        upgrade_authority: who must be able to upgrade them; `None` only reports who can.
    """
    seen = await survey(client, builds, upgrade_authority or Pubkey.default())
    genesis = await client.genesis_hash()
    configs = await client.accounts([at.registry.config, at.oracle.config, at.energy_token.config, at.mint])
    findings = [finding for row in seen for finding in _program(row, upgrade_authority)]
    checks: tuple[tuple[str, Pubkey, Callable[[bytes], list[Finding]]], ...] = (
        ("registry config", at.registry.id, lambda data: _registry(RegistryConfig.decode(data), at, genesis)),
        ("oracle config", at.oracle.id, lambda data: _oracle(OracleConfig.decode(data), at, genesis)),
        ("energy_token config", at.energy_token.id, lambda data: _energy_token(EnergyTokenConfig.decode(data), at)),
        ("mint", token2022.PROGRAM, lambda data: _mint(Mint.decode(data), at)),
    )
    for (part, owner, check), account in zip(checks, configs, strict=True):
        findings += _account(part, account, owner, check)
    return findings


def _program(seen: ProgramSurvey, authority: Pubkey | None) -> list[Finding]:
    name = seen.build.name
    if seen.data is None:
        return [Finding(name, ok=False, says=f"not deployed at {seen.build.program_id}")]
    found = seen.data.upgrade_authority
    may = "nobody can upgrade it" if found is None else f"upgraded by {found}"
    return [
        Finding(name, ok=seen.is_current, says=f"runs {seen.deployed_checksum}" + _unless(seen.is_current, seen.build.checksum)),
        Finding(name, ok=authority in (None, found), says=may + _unless(authority in (None, found), str(authority))),
    ]


def _account(part: str, account: AccountInfo | None, owner: Pubkey, check: Callable[[bytes], list[Finding]]) -> list[Finding]:
    if account is None:
        return [Finding(part, ok=False, says="not initialised: run `gridtokenx programs deploy`")]
    if account.owner != owner:
        return [Finding(part, ok=False, says=f"belongs to {account.owner}, not to {owner}")]
    try:
        return check(account.data)
    except InvalidInput as problem:
        return [Finding(part, ok=False, says=str(problem))]


def _registry(config: RegistryConfig, at: Addresses, genesis: bytes) -> list[Finding]:
    part = "registry config"
    pins = (config.oracle_program, config.oracle_authority, config.energy_token_program, config.energy_mint)
    expected = (at.oracle.id, at.oracle.authority, at.energy_token.id, at.mint)
    two_keys = config.auditor != config.authority
    return [
        Finding(
            part, ok=config.genesis_hash == genesis, says="carries a genesis hash" + _of_this_chain(config.genesis_hash, genesis)
        ),
        _network(part, config.network, genesis, at),
        Finding(part, ok=pins == expected, says="calls and hears " + ("our programs alone" if pins == expected else "others")),
        Finding(part, ok=two_keys, says=f"obeys {config.authority}, audited by {config.auditor}"),
    ]


def _oracle(config: OracleConfig, at: Addresses, genesis: bytes) -> list[Finding]:
    part = "oracle config"
    enough = 1 <= config.threshold <= config.attester_count
    return [
        _network(part, config.network, genesis, at),
        Finding(part, ok=True, says=f"obeys {config.authority}"),
        Finding(part, ok=enough, says=f"{config.attester_count} attesters, {config.threshold} sign a batch"),
    ]


def _energy_token(config: EnergyTokenConfig, at: Addresses) -> list[Finding]:
    ok = (config.mint, config.registry_authority) == (at.mint, at.registry.authority)
    says = "mints for the registry alone" if ok else f"mints {config.mint} for {config.registry_authority}"
    return [Finding("energy_token config", ok=ok, says=f"obeys {config.authority}, {says}")]


def _mint(mint: Mint, at: Addresses) -> list[Finding]:
    ok = mint.authority == at.energy_token.config and mint.freeze_authority is None and mint.decimals == DECIMALS
    return [
        Finding("mint", ok=ok, says=f"minted by {mint.authority}, frozen by {mint.freeze_authority}, {mint.decimals} decimals")
    ]


def _network(part: str, found: bytes, genesis: bytes, at: Addresses) -> Finding:
    expected = network_bytes(genesis, bytes(at.registry.id))
    return Finding(part, ok=found == expected, says=f"network {found.hex()}" + _unless(found == expected, expected.hex()))


def _of_this_chain(found: bytes, genesis: bytes) -> str:
    return ": this chain's" if found == genesis else f" of another chain: {found.hex()}"


def _unless(ok: bool, expected: str) -> str:
    return "" if ok else f", not {expected}"
