"""`gridtokenx broker mosquitto`: what the platform knows, as Mosquitto reads it."""

import asyncio
import stat
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key
from solders.keypair import Keypair
from typer.testing import CliRunner

from broker.passwords import hash_password, password_matches
from core.domain.errors import InvalidInput
from core.domain.identity import parse_fleet, parse_meter_id
from core.domain.readings import AssetKind, ProofKind, StatementKind
from core.runtime.clock import SystemClock
from core.runtime.settings import load_settings
from deploy.cli.app import app
from deploy.cli.session import open_store
from devices.provisioning import DeviceCredential, MeterImport, record_bound_meter


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDTOKENX_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GRIDTOKENX_MQTT__PASSWORD", "the bridge's own")
    return tmp_path / "mosquitto"


async def _registered(name: str) -> DeviceCredential:
    device, owner = Keypair(), Keypair()
    meter = MeterImport(
        meter_id=parse_meter_id(name),
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
    async with open_store(load_settings()) as store, store.begin() as rows:
        return await record_bound_meter(
            rows,
            meter,
            fleet=parse_fleet("home"),
            token_account=str(owner.pubkey()),
            owner_verified=True,
            hash_password=hash_password,
            clock=SystemClock(),
        )


def _stored(folder: Path) -> dict[str, str]:
    lines = (folder / "passwords").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


def test_the_bridge_and_every_device_are_in_the_password_file(folder: Path):
    credential = asyncio.run(_registered("MTR-1"))

    result = CliRunner().invoke(app, ["broker", "mosquitto", str(folder), "--port", "12345"])

    assert result.exit_code == 0, result.output
    stored = _stored(folder)
    assert password_matches("the bridge's own", stored["oracle-bridge"])
    assert password_matches(credential.password, stored["MTR-1"])
    assert "listener 12345 127.0.0.1" in (folder / "mosquitto.conf").read_text()
    assert stat.S_IMODE((folder / "passwords").stat().st_mode) == 0o600
    assert credential.password not in result.output


def test_a_renewed_password_takes_the_place_of_the_lost_one(folder: Path, tmp_path: Path):
    lost = asyncio.run(_registered("MTR-1"))

    renewed = CliRunner().invoke(app, ["device", "credential", "MTR-1", "--credentials", str(tmp_path / "new.jsonl")])
    CliRunner().invoke(app, ["broker", "mosquitto", str(folder)])

    assert renewed.exit_code == 0, renewed.output
    assert not password_matches(lost.password, _stored(folder)["MTR-1"])
    assert '"username": "MTR-1"' in (tmp_path / "new.jsonl").read_text()
    assert stat.S_IMODE((tmp_path / "new.jsonl").stat().st_mode) == 0o600


def test_without_a_password_for_the_bridge_nothing_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GRIDTOKENX_MQTT__PASSWORD")

    result = CliRunner().invoke(app, ["broker", "mosquitto", str(folder)])

    assert isinstance(result.exception, InvalidInput)
    assert not folder.exists()


def test_beyond_loopback_a_certificate_is_asked_for(folder: Path):
    result = CliRunner().invoke(app, ["broker", "mosquitto", str(folder), "--host", "0.0.0.0"])  # noqa: S104  # refused

    assert isinstance(result.exception, InvalidInput)
    assert "certificate" in str(result.exception)


def test_mosquitto_becomes_the_owner_of_the_files_when_the_administrator_starts_it(folder: Path):
    CliRunner().invoke(app, ["broker", "mosquitto", str(folder)])

    assert f"user {folder.owner()}" in (folder / "mosquitto.conf").read_text().splitlines()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_mosquitto_could_not_read_is_refused(folder: Path, tmp_path: Path, content: str | None):
    pair = tmp_path / "server.pem"
    if content is not None:
        pair.write_text(content)

    result = CliRunner().invoke(app, ["broker", "mosquitto", str(folder), "--certificate", str(pair), "--key", str(pair)])

    assert isinstance(result.exception, InvalidInput)
    assert "--certificate" in str(result.exception)
    assert not (folder / "mosquitto.conf").exists()


def test_a_key_with_a_password_is_refused_instead_of_asked_for(folder: Path, tmp_path: Path):
    issued = trustme.CA().issue_cert("127.0.0.1")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    secret = load_pem_private_key(issued.private_key_pem.bytes(), None)
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))

    result = CliRunner().invoke(app, ["broker", "mosquitto", str(folder), "--certificate", str(certificate), "--key", str(key)])

    assert isinstance(result.exception, InvalidInput)
    assert "encrypted" in str(result.exception)
