"""What cannot work stops before anything starts, with one sentence that says what to do."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import SettingsError
from solders.keypair import Keypair
from typer.testing import CliRunner

from core.domain.errors import DomainError, InvalidInput, Unavailable
from core.domain.identity import parse_meter_id
from core.domain.readings import AssetKind, ProofKind, StatementKind
from core.runtime.settings import Settings, load_settings
from deploy.cli import app as command_line
from deploy.database import database_of, migrate
from deploy.folders import ready_folder, require_writable_file
from deploy.listening import require_free_port, require_tls_beyond_loopback
from deploy.platform import Platform
from deploy.tokens import kept_secret
from devices.provisioning import MeterImport
from devices.provisioning.import_file import to_json_line
from programs.localnet.errors import LocalnetError

FREE = {
    "GRIDTOKENX_MQTT__EMBEDDED_PORT": "0",
    "GRIDTOKENX_CHAIN__EMBEDDED_PORT": "0",
    "GRIDTOKENX_API__PORT": "0",
}


@pytest.fixture
def settings_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Settings on free ports in a folder of their own, and what is given beside."""
    monkeypatch.chdir(tmp_path)

    def read(**given: str) -> Settings:
        for name, value in {**FREE, "GRIDTOKENX_DATA_DIR": str(tmp_path / "data"), **given}.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return read


async def _start(settings: Settings) -> None:
    async with Platform(settings):
        pytest.fail("it started")


def _refusal(settings: Settings) -> str:
    with pytest.raises(DomainError) as stopped:
        asyncio.run(_start(settings))
    sentence = str(stopped.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("token", ["", "  "])
def test_an_empty_operator_token_does_not_open_everything(token: str, settings_with: Callable[..., Settings]):
    settings = settings_with(GRIDTOKENX_API__OPERATOR_TOKEN=token)
    assert settings.api.operator_token == SecretStr(token)

    assert "GRIDTOKENX_API__OPERATOR_TOKEN is empty" in _refusal(settings)


def test_an_emptied_token_file_does_not_open_everything(tmp_path: Path):
    (tmp_path / "operator-token").touch()

    with pytest.raises(InvalidInput, match="is empty; delete it"):
        kept_secret(tmp_path / "operator-token")


@pytest.mark.parametrize("setting", ["GRIDTOKENX_DATA_DIR", "GRIDTOKENX_CHAIN__KEYS_DIR"])
def test_a_folder_that_cannot_be_made_is_named_with_its_setting(
    setting: str, tmp_path: Path, settings_with: Callable[..., Settings]
):
    (tmp_path / "file").touch()

    sentence = _refusal(settings_with(**{setting: str(tmp_path / "file" / "below")}))

    assert setting in sentence
    assert "cannot be written" in sentence


def test_a_ready_folder_is_left_empty(tmp_path: Path):
    ready_folder(tmp_path / "a" / "b", "GRIDTOKENX_DATA_DIR")

    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none_is_named(content: str | None, tmp_path: Path, settings_with: Callable[..., Settings]):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    sentence = _refusal(settings_with(GRIDTOKENX_MQTT__URL="mqtts://127.0.0.1:8883", GRIDTOKENX_MQTT__CA_FILE=str(path)))

    assert "GRIDTOKENX_MQTT__CA_FILE" in sentence


@pytest.mark.parametrize("url", ["http://127.0.0.1:1883", "mqtt://127.0.0.1:99999", "mqtt://[::1", "mqtt://127.0.0.1:x"])
def test_an_impossible_broker_url_is_named_with_its_setting(url: str):
    with pytest.raises(InvalidInput, match="GRIDTOKENX_MQTT__URL"):
        require_tls_beyond_loopback("GRIDTOKENX_MQTT__URL", url, plain="mqtt")


def test_a_host_of_another_machine_is_not_called_a_taken_port():
    with pytest.raises(InvalidInput, match="no address of this machine"):
        require_free_port("GRIDTOKENX_API__PORT", "192.0.2.1", 12_345)


def test_a_taken_port_on_ipv6_is_told_from_an_address_that_is_not_there():
    with socket.socket(socket.AF_INET6) as held:
        try:
            held.bind(("::1", 0))
        except OSError:
            return  # a machine without IPv6 has nothing to tell apart
        held.listen()

        with pytest.raises(InvalidInput, match="is taken"):
            require_free_port("GRIDTOKENX_API__PORT", "::1", held.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
def test_a_database_that_is_away_stops_the_start_with_advice(host: str, settings_with: Callable[..., Settings]):
    settings = settings_with(GRIDTOKENX_DATABASE__URL=f"postgresql+asyncpg://someone:secret@{host}/name")

    async def open_it() -> None:
        store = database_of(settings)
        try:
            await migrate(store)
        finally:
            await store.close()

    with pytest.raises(Unavailable, match="GRIDTOKENX_DATABASE__URL") as stopped:
        asyncio.run(open_it())

    assert "secret" not in str(stopped.value)


@pytest.mark.parametrize(
    "problem",
    [
        LocalnetError("the folder is in use"),
        SettingsError("a group is no JSON"),
        PermissionError(13, "Permission denied", "some/file"),
        FileNotFoundError(2, "No such file or directory", "some/file"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_what_a_command_meets_is_a_sentence_and_no_traceback(
    problem: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail() -> None:
        raise problem

    monkeypatch.setattr(command_line, "app", fail)
    monkeypatch.setattr(command_line, "configure", lambda *_: None)  # the log of the other tests stays theirs

    with pytest.raises(SystemExit) as stopped:
        command_line.main()

    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("gridtokenx: ")


def test_an_import_whose_passwords_cannot_be_kept_registers_nothing(tmp_path: Path):
    meters = tmp_path / "meters.jsonl"
    device, owner = Keypair(), Keypair()
    line = MeterImport(
        meter_id=parse_meter_id("MTR-1"),
        legacy_id=None,
        owner=str(owner.pubkey()),
        asset_kind=AssetKind.SOLAR,
        statement_kind=StatementKind.REGISTER,
        proof_kind=ProofKind.DEVICE,
        zone=1,
        rated_power_out_w=5_000,
        rated_power_in_w=5_000,
        public_key=str(device.pubkey()),
        base_sequence=0,
        base_measured_at=1_700_000_000,
        base_generation_wh=0,
        base_consumption_wh=0,
        binding_signature=str(device.sign_message(b"binding")),
    )
    meters.write_text(to_json_line(line))
    (tmp_path / "file").touch()

    result = CliRunner().invoke(
        command_line.app, ["device", "import", str(meters), "--credentials", str(tmp_path / "file" / "passwords")]
    )

    assert isinstance(result.exception, InvalidInput)
    assert "--credentials" in str(result.exception)


def test_a_report_that_cannot_be_written_stops_the_demo_before_its_day(tmp_path: Path):
    result = CliRunner().invoke(command_line.app, ["demo", "--report", str(tmp_path / "nowhere" / "report.json")])

    assert isinstance(result.exception, InvalidInput)
    assert "--report" in str(result.exception)


def test_a_file_that_can_be_written_is_left_as_it_was(tmp_path: Path):
    (tmp_path / "old").write_text("kept")

    require_writable_file(tmp_path / "old", "--report")
    require_writable_file(tmp_path / "new", "--report")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old", "kept")]


def test_plain_http_beyond_loopback_is_refused_unless_tls_is_in_front(settings_with: Callable[..., Settings]):
    refusal = _refusal(settings_with(GRIDTOKENX_API__HOST="0.0.0.0"))  # noqa: S104  # the address that must be refused

    assert "GRIDTOKENX_API__HOST" in refusal
    assert "GRIDTOKENX_API__TLS_IN_FRONT=true" in refusal


def test_a_misspelled_setting_stops_the_start(settings_with: Callable[..., Settings]):
    with pytest.raises(InvalidInput, match="GRIDTOKENX_SETTLEMENT__MOED"):
        settings_with(GRIDTOKENX_SETTLEMENT__MOED="polling")
