"""Setting a deployment up, as often as one likes: what is already so is left alone, what contradicts stops with one sentence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from core.domain.errors import Conflict, NotFound, Unavailable
from core.domain.network import network_bytes
from programs.client.accounts import EnergyTokenConfig, OracleConfig, RegistryConfig
from programs.client.addresses import Addresses, addresses_of
from programs.client.confirmation import send_confirmed
from programs.client.ids import PROGRAM_IDS, ProgramIds
from programs.client.instructions import energy_token, oracle, registry
from programs.client.instructions.registry.settings import CorrectionLimits
from programs.client.rpc import ChainClient
from programs.client.signer import Signer

AIRDROP_LOOKS = 100
AIRDROP_PAUSE_S = 0.05
DEFAULT_CORRECTIONS = CorrectionLimits(cap_wh=1_000_000, window_s=30 * 86_400, delay_s=2 * 86_400)
"""1 MWh per meter and month; a positive one waits two days, so that somebody can look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityKeys:
    """Who signs what in a deployment."""

    upgrade: Signer
    """Upgrade authority of the programs; needed to initialise them, once."""
    authority: Signer
    auditor: Signer
    provisioner: Signer
    attesters: tuple[Signer, ...]
    payers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFace:
    """What wallets show of the energy token."""

    name: str = "GridTokenX Energy"
    symbol: str = "GRID"
    uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneDefaults:
    """A zone to create when it is missing."""

    zone: int = 1
    mint_cap_wh: int = registry.NO_CAP
    """In one window."""
    window_s: int = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits and thresholds of a new deployment."""

    corrections: CorrectionLimits = DEFAULT_CORRECTIONS
    threshold: int = 1
    """Attesters that a batch needs, 1 to 3."""
    rule_set_hash: bytes = bytes(32)
    """SHA-256 of the acceptance rules in force; zeroes until they are published."""


async def initialise(
    client: ChainClient,
    keys: AuthorityKeys,
    *,
    ids: ProgramIds = PROGRAM_IDS,
    token: TokenFace | None = None,
    zones: Sequence[ZoneDefaults] = (ZoneDefaults(),),
    rules: Rules | None = None,
) -> None:
    """Initialise the three programs, set roles and attesters, create the zones.

    Raises:
        NotFound: a program is not deployed.
        Conflict: the deployment exists and belongs to another chain or another authority.
        TransactionRefused: a step was refused, for example because the upgrade authority is another.
    """
    await _Setup(client, keys, addresses_of(ids), token or TokenFace(), rules or Rules()).run(zones)


async def require_no_conflict(client: ChainClient, keys: AuthorityKeys, *, ids: ProgramIds = PROGRAM_IDS) -> None:
    """See that what is set up already, if anything, is this chain's and these keys'; nothing is sent.

    Raises:
        Conflict: the deployment belongs to another chain or another authority.
    """
    await _Setup(client, keys, addresses_of(ids), TokenFace(), Rules()).require_no_conflict()


async def ensure_balance(client: ChainClient, key: Pubkey, lamports: int) -> None:
    """Fill an account up from a test cluster's faucet.

    Raises:
        RpcRefused: the cluster has no faucet.
        Unavailable: the faucet's lamports did not arrive.
    """
    if await client.balance(key) >= lamports:
        return
    await client.airdrop(key, lamports)
    for _ in range(AIRDROP_LOOKS):
        if await client.balance(key) >= lamports:
            return
        await asyncio.sleep(AIRDROP_PAUSE_S)
    raise Unavailable(f"the faucet's lamports for {key} did not arrive")


class _Setup:
    def __init__(self, client: ChainClient, keys: AuthorityKeys, at: Addresses, token: TokenFace, rules: Rules) -> None:
        self._client = client
        self._keys = keys
        self._at = at
        self._token = token
        self._rules = rules

    async def run(self, zones: Sequence[ZoneDefaults]) -> None:
        await self._require_programs()
        genesis = await self._client.genesis_hash()
        await self._energy_token()
        await self._registry(genesis)
        await self._oracle(genesis)
        for zone in zones:
            await self._zone(zone)

    async def require_no_conflict(self) -> None:
        genesis = await self._client.genesis_hash()
        data = await self._data(self._at.energy_token.config)
        if data is not None:
            self._require_authority("energy_token", EnergyTokenConfig.decode(data).authority)
        data = await self._data(self._at.registry.config)
        if data is not None:
            self._require_registry(RegistryConfig.decode(data), genesis)
        data = await self._data(self._at.oracle.config)
        if data is not None:
            self._require_oracle(OracleConfig.decode(data), genesis)

    async def _require_programs(self) -> None:
        ids = self._at.ids
        found = await self._client.accounts([ids.registry, ids.oracle, ids.energy_token])
        for name, account in zip(("registry", "oracle", "energy_token"), found, strict=True):
            if account is None or not account.executable:
                raise NotFound(f"the program {name} is not deployed at {getattr(ids, name)}")

    async def _energy_token(self) -> None:
        data = await self._data(self._at.energy_token.config)
        if data is not None:
            self._require_authority("energy_token", EnergyTokenConfig.decode(data).authority)
            return
        instruction = energy_token.initialize(
            self._at,
            payer=self._payer.pubkey,
            upgrade_authority=self._keys.upgrade.pubkey,
            authority=self._keys.authority.pubkey,
            name=self._token.name,
            symbol=self._token.symbol,
            uri=self._token.uri,
        )
        await send_confirmed(self._client, self._payer, [instruction], [self._keys.upgrade])

    async def _registry(self, genesis: bytes) -> None:
        data = await self._data(self._at.registry.config)
        if data is not None:
            await self._registry_roles(RegistryConfig.decode(data), genesis)
            return
        instruction = registry.initialize(
            self._at,
            payer=self._payer.pubkey,
            upgrade_authority=self._keys.upgrade.pubkey,
            genesis_hash=genesis,
            authority=self._keys.authority.pubkey,
            provisioner=self._keys.provisioner.pubkey,
            auditor=self._keys.auditor.pubkey,
            limits=self._rules.corrections,
        )
        await send_confirmed(self._client, self._payer, [instruction], [self._keys.upgrade])

    async def _registry_roles(self, config: RegistryConfig, genesis: bytes) -> None:
        self._require_registry(config, genesis)
        auditor, provisioner = self._keys.auditor.pubkey, self._keys.provisioner.pubkey
        if config.provisioner == provisioner:
            return
        instruction = registry.set_roles(
            self._at, authority=self._keys.authority.pubkey, provisioner=provisioner, auditor=auditor
        )
        await send_confirmed(self._client, self._payer, [instruction], [self._keys.authority])

    async def _oracle(self, genesis: bytes) -> None:
        data = await self._data(self._at.oracle.config)
        if data is None:
            instruction = oracle.initialize(
                self._at,
                payer=self._payer.pubkey,
                upgrade_authority=self._keys.upgrade.pubkey,
                genesis_hash=genesis,
                authority=self._keys.authority.pubkey,
                rule_set_hash=self._rules.rule_set_hash,
            )
            await send_confirmed(self._client, self._payer, [instruction], [self._keys.upgrade])
            data = await self._data(self._at.oracle.config)
        if data is None:
            raise Unavailable("the oracle was initialised, but the node does not show its settings yet; run this again")
        await self._attesters(OracleConfig.decode(data), genesis)

    async def _attesters(self, config: OracleConfig, genesis: bytes) -> None:
        self._require_oracle(config, genesis)
        wanted = tuple(signer.pubkey for signer in self._keys.attesters)
        if config.attesters[: config.attester_count] == wanted and config.threshold == self._rules.threshold:
            return
        instruction = oracle.set_attesters(
            self._at, authority=self._keys.authority.pubkey, attesters=wanted, threshold=self._rules.threshold
        )
        await send_confirmed(self._client, self._payer, [instruction], [self._keys.authority])

    async def _zone(self, zone: ZoneDefaults) -> None:
        if await self._data(self._at.zone(zone.zone)) is not None:
            return
        instruction = registry.create_zone(
            self._at,
            payer=self._payer.pubkey,
            authority=self._keys.authority.pubkey,
            zone=zone.zone,
            zone_authority=self._keys.authority.pubkey,
            mint_cap_wh=zone.mint_cap_wh,
            window_s=zone.window_s,
        )
        await send_confirmed(self._client, self._payer, [instruction], [self._keys.authority])

    @property
    def _payer(self) -> Signer:
        return self._keys.payers[0]

    async def _data(self, key: Pubkey) -> bytes | None:
        account = await self._client.account(key)
        return None if account is None else account.data

    def _require_registry(self, config: RegistryConfig, genesis: bytes) -> None:
        self._require_authority("registry", config.authority)
        self._require_network("registry", config.network, genesis)
        if config.auditor != self._keys.auditor.pubkey:
            raise Conflict(
                f"the registry's auditor is {config.auditor}, not the key given ({self._keys.auditor.pubkey});"
                " give that key, or change it by set_roles, which both auditors sign"
            )

    def _require_oracle(self, config: OracleConfig, genesis: bytes) -> None:
        self._require_authority("oracle", config.authority)
        self._require_network("oracle", config.network, genesis)

    def _require_authority(self, program: str, found: Pubkey) -> None:
        if found != self._keys.authority.pubkey:
            raise Conflict(f"the {program} obeys {found}, not the authority key given ({self._keys.authority.pubkey})")

    def _require_network(self, program: str, found: bytes, genesis: bytes) -> None:
        if found != network_bytes(genesis, bytes(self._at.ids.registry)):
            raise Conflict(f"the {program} was set up with another genesis hash than this chain's; use its own chain or redeploy")
