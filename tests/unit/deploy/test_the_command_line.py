"""The one command line: it explains itself, and what cannot work stops with one sentence that says what to do."""

import socket
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.domain.errors import DomainError, InvalidInput
from core.runtime.settings import Settings, load_settings
from deploy.chain import websocket_url
from deploy.cli import app as command_line
from deploy.cli.app import app
from deploy.keys import KeyFolder
from deploy.listening import require_free_port, require_tls_beyond_loopback
from deploy.platform import Platform
from deploy.tokens import kept_secret

REPOSITORY = Path(__file__).resolve().parents[3]
COMMANDS = [
    [],
    ["up"],
    ["demo"],
    ["localnet"],
    ["audit"],
    ["device"],
    ["device", "import"],
    ["device", "list"],
    ["device", "show"],
    ["device", "suspend"],
    ["chain"],
    ["chain", "register-meter"],
    ["chain", "submit-reading"],
    ["chain", "settle"],
    ["chain", "show"],
    ["settlement", "review"],
    ["settlement", "retry"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]):
    result = CliRunner().invoke(app, [*command, "--help"])

    assert result.exit_code == 0, result.output
    assert "Usage" in result.output


def test_defect_41_no_command_shows_local_variables_and_logs_are_configured_first(monkeypatch: pytest.MonkeyPatch):
    groups = [app, *(info.typer_instance for info in app.registered_groups if info.typer_instance is not None)]
    groups += [info.typer_instance for group in groups[1:] for info in group.registered_groups if info.typer_instance is not None]
    steps: list[str] = []
    monkeypatch.setattr(command_line, "configure", lambda level, fmt: steps.append(f"logs {level} {fmt}"))
    monkeypatch.setattr(command_line, "app", lambda: steps.append("command"))

    command_line.main()

    assert len(groups) == 7
    assert not app.pretty_exceptions_enable
    assert not any(group.pretty_exceptions_show_locals for group in groups)
    assert steps == ["logs warning text", "command"]


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--meters", "0"], "meters"), (["--hours", "161"], "hours"), (["--seed", "x"], "seed"), (["--what"], "what")],
)
def test_a_wrong_option_stops_the_demo_and_names_itself(options: list[str], named: str):
    result = CliRunner().invoke(app, ["demo", *options])

    assert result.exit_code == 2
    assert named in result.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRIDTOKENX_API__PORT", "70000"),
        ("GRIDTOKENX_API__PORT", "http"),
        ("GRIDTOKENX_SETTLEMENT__MODE", "sometimes"),
        ("GRIDTOKENX_SETTLEMENT__POLLING_INTERVAL_S", "0"),
        ("GRIDTOKENX_ACCEPTANCE__PROFILE", "generous"),
        ("GRIDTOKENX_CHAIN__SLOT_MS", "1"),
        ("GRIDTOKENX_LOG_LEVEL", "loud"),
    ],
)
def test_a_malformed_setting_stops_the_start_with_one_sentence_that_names_it(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidInput) as stopped:
        load_settings()

    sentence = str(stopped.value)
    assert name in sentence
    assert "\n" not in sentence
    assert "correct it" in sentence


def test_an_environment_file_that_is_no_text_stops_the_start_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"GRIDTOKENX_FLEET=\xff\xfe\n")

    with pytest.raises(InvalidInput, match=r"^the file \.env is no UTF-8 text$"):
        load_settings()


async def test_a_taken_port_stops_the_start_before_anything_is_made(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for group in ("mqtt", "chain"):
            settings = Settings.model_validate(
                {
                    "data_dir": tmp_path / "data",
                    "api": {"port": 0},
                    "mqtt": {"embedded_port": 0},
                    "chain": {"embedded_port": 0},
                    group: {"embedded_port": port},
                }
            )
            with pytest.raises(InvalidInput, match=f"port {port} is taken.*GRIDTOKENX_{group.upper()}__EMBEDDED_PORT"):
                async with Platform(settings):
                    raise AssertionError("it must not start")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"mqtt": {"url": "mqtt://broker.example:1883"}},
        {"chain": {"rpc_url": "http://chain.example:8899"}},
        {"mqtt": {"url": "broker"}},
        {"fleet": "../.."},
    ],
)
async def test_plain_text_beyond_loopback_and_nonsense_stop_the_start(changes: dict[str, object], tmp_path: Path):
    plain = {"data_dir": tmp_path, "api": {"port": 0}, "mqtt": {"embedded_port": 0}, "chain": {"embedded_port": 0}}

    with pytest.raises(DomainError) as stopped:
        async with Platform(Settings.model_validate({**plain, **changes})):
            raise AssertionError("it must not start")

    assert "\n" not in str(stopped.value)


def test_the_shipped_settings_template_parses_and_names_every_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    template = (REPOSITORY / "deploy" / "env.example").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(template)

    settings = load_settings()

    assert settings.chain.embedded_port == 8899
    for name, part in settings.model_dump().items():
        for field in part if isinstance(part, dict) else (None,):
            written = f"GRIDTOKENX_{name}" if field is None else f"GRIDTOKENX_{name}__{field}"
            assert f"{written.upper()}=" in template, written


def test_loopback_may_be_plain_and_the_rest_may_not():
    for url in ("mqtt://127.0.0.1:1883", "mqtt://localhost", "mqtt://[::1]:1883", "mqtts://broker.example"):
        require_tls_beyond_loopback("SETTING", url, plain="mqtt")
    for url in ("mqtt://10.0.0.1", "mqtt://localhost.example", "mqtt://0.0.0.0", "mqtt://127.0.0.1.example:1883"):
        with pytest.raises(InvalidInput):
            require_tls_beyond_loopback("SETTING", url, plain="mqtt")
    require_free_port("SETTING", "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("rpc", "ws", "expected"),
    [
        ("http://127.0.0.1:8899", None, "ws://127.0.0.1:8900"),
        ("https://rpc.example", None, "wss://rpc.example"),
        ("https://rpc.example", "wss://other.example", "wss://other.example"),
    ],
)
def test_the_web_socket_url_follows_the_rpcs(rpc: str, ws: str | None, expected: str):
    assert websocket_url(rpc, ws) == expected


def test_keys_and_tokens_are_drawn_once_and_readable_by_their_owner_alone(tmp_path: Path):
    folder = KeyFolder(path=tmp_path / "keys")
    folder.ensure(payers=2)
    first = folder.authorities()
    folder.ensure(payers=2)
    token = kept_secret(tmp_path / "operator-token")

    assert folder.authorities().authority.pubkey == first.authority.pubkey
    assert len(first.payers) == 2
    assert kept_secret(tmp_path / "operator-token") == token
    assert len(token) >= 40
    for path in (*folder.path.glob("*.json"), tmp_path / "operator-token"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(InvalidInput, match="auditor"):
        KeyFolder(path=tmp_path / "empty").single("auditor")
