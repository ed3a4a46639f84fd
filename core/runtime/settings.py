"""Every setting of the platform, read once at start from the environment and `.env`.

Names are `GRIDTOKENX_<GROUP>__<FIELD>`. A malformed value stops the start with one sentence.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.errors import InvalidInput


class _Group(BaseModel):
    """A misspelled name is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MqttSettings(_Group):
    """The broker. Without a URL the embedded one is started on loopback."""

    url: str | None = None
    """`mqtt://host:port` or `mqtts://host:port`; unset starts the embedded broker."""
    embedded_port: int = Field(1883, ge=0, le=65535)
    """Port of the embedded broker; 0 takes a free one."""
    username: str = "oracle-bridge"
    """The bridge's user name on the broker."""
    password: SecretStr | None = None
    """The bridge's password; unset draws one for the embedded broker."""
    shared_group: str | None = None
    """Name of a shared subscription, for several bridges on one broker; unset subscribes plainly."""
    ca_file: Path | None = None
    """CA certificate for `mqtts://`."""


class ChainSettings(_Group):
    """The Solana cluster. Without a URL the embedded chain is started on loopback."""

    rpc_url: str | None = None
    """JSON-RPC URL; unset starts the embedded chain."""
    ws_url: str | None = None
    """WebSocket URL; unset derives it from the RPC URL (port + 1)."""
    embedded_port: int = Field(8899, ge=0, le=65534)
    """Port of the embedded chain's RPC (WebSocket is the next one); 0 takes free ones."""
    slot_ms: int = Field(400, ge=10, le=10_000)
    """Slot time of the embedded chain, milliseconds."""
    keys_dir: Path | None = None
    """Folder of the authorities' key files; unset is `keys` in the data folder."""
    payers: int = Field(2, ge=1, le=16)
    """How many fee payers submit in parallel."""


class DatabaseSettings(_Group):
    """The database."""

    url: str | None = None
    """`sqlite+aiosqlite:///file` or `postgresql+asyncpg://user:password@host/name`; unset is SQLite in the data folder."""
    pool_size: int = Field(10, ge=2, le=200)
    """Most connections of one process to PostgreSQL."""
    statement_timeout_ms: int = Field(30_000, ge=100, le=600_000)
    """Longest that PostgreSQL works on one statement, milliseconds; what takes longer is tried again."""
    keep_months: int | None = Field(None, ge=2, le=1_200)
    """Months of readings to keep, the present one counted; older ones go once their value is settled. Unset keeps all."""


class SettlementSettings(_Group):
    """When and how much is settled (R3.2)."""

    mode: Literal["arrival", "polling"] = "arrival"
    """Settle as readings arrive, or every polling interval."""
    polling_interval_s: int = Field(60, ge=1, le=86_400)
    """Seconds between rounds in polling mode (TOKENIZATION_POLLING_INTERVAL_SECS)."""
    max_readings_per_batch: int = Field(50, ge=1, le=1_000)
    """Meters of one planning batch."""
    max_transactions_per_round: int = Field(20, ge=1, le=1_000)
    """Transactions sent in one round."""
    min_settlement_interval_s: int = Field(0, ge=0, le=604_800)
    """A meter settles at most once in this time, so that registers accumulate and fees are saved."""
    max_attempts: int = Field(10, ge=1, le=100)
    """Failed settlements before manual review."""
    lease_s: int = Field(120, ge=5, le=3_600)
    """Another bridge takes over what a bridge leaves after this silence, seconds; a blockhash lives for about 60."""


class ApiSettings(_Group):
    """The HTTP face."""

    host: str = "127.0.0.1"
    """Listening address; anything but loopback is refused unless TLS is in front."""
    tls_in_front: bool = False
    """Says that a proxy ends TLS before this process, which itself speaks plain HTTP."""
    port: int = Field(8080, ge=0, le=65535)
    """Listening port; 0 takes a free one."""
    operator_token: SecretStr | None = None
    """Bearer token for everything that is not public; unset draws one into the data folder."""


class AcceptanceSettings(_Group):
    """Which named limits apply (R2.4)."""

    profile: Literal["standard", "fast"] = "standard"
    """`standard`: cadence 900 s; `fast`: cadence 60 s."""


class TokenSettings(_Group):
    """The energy token's face (R1.3)."""

    name: str = Field("GridTokenX Energy", min_length=1, max_length=32)
    """Name in the mint's metadata."""
    symbol: str = Field("GRID", min_length=1, max_length=10)
    """Symbol in the mint's metadata."""
    uri: str = Field("", max_length=200)
    """Metadata address; empty for none."""


class Settings(BaseSettings):
    """All groups together."""

    model_config = SettingsConfigDict(
        env_prefix="GRIDTOKENX_", env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    data_dir: Path = Path(".gridtokenx")
    """Where the embedded parts keep what must survive a restart."""
    fleet: str = "home"
    """The fleet's name in topics."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""
    log_format: Literal["text", "json"] = "text"
    """Lines for people or for machines."""
    mqtt: MqttSettings = MqttSettings()  # pyright: ignore[reportCallIssue]  # pydantic fills the defaults
    chain: ChainSettings = ChainSettings()  # pyright: ignore[reportCallIssue]  # pydantic fills the defaults
    database: DatabaseSettings = DatabaseSettings()  # pyright: ignore[reportCallIssue]  # pydantic fills the defaults
    settlement: SettlementSettings = SettlementSettings()  # pyright: ignore[reportCallIssue]  # pydantic fills the defaults
    api: ApiSettings = ApiSettings()  # pyright: ignore[reportCallIssue]  # pydantic fills the defaults
    acceptance: AcceptanceSettings = AcceptanceSettings()
    token: TokenSettings = TokenSettings()  # pyright: ignore[reportCallIssue]  # pydantic fills the defaults

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database.url or f"sqlite+aiosqlite:///{self.data_dir / 'platform.db'}"

    @property
    def keys_dir(self) -> Path:
        """The folder of the authorities' key files."""
        return self.chain.keys_dir or self.data_dir / "keys"


def load_settings(**overrides: object) -> Settings:
    """Read the settings, or raise InvalidInput with one sentence that names the first malformed one."""
    try:
        return Settings.model_validate({**Settings().model_dump(exclude_unset=True), **overrides}) if overrides else Settings()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = "GRIDTOKENX_" + "__".join(str(part) for part in first["loc"]).upper()
        raise InvalidInput(f"setting {name}: {first['msg']}; correct it in the environment or in .env") from problem
    except UnicodeDecodeError as problem:
        raise InvalidInput("the file .env is no UTF-8 text") from problem
