"""The files that make Mosquitto enforce the access rules."""

from pathlib import Path

import pytest

from broker.mosquitto import ACL_FILE, CONFIG_FILE, PASSWORD_FILE, Login, MosquittoPlan, render, write
from broker.passwords import hash_password
from core.domain.errors import InvalidInput
from core.domain.identity import parse_fleet

HASH = hash_password("secret", bytes(12))


def _plan(directory: Path, **changes: object) -> MosquittoPlan:
    values: dict[str, object] = {
        "directory": directory,
        "host": "127.0.0.1",
        "port": 1883,
        "fleets": (parse_fleet("home"),),
        "bridge": Login("oracle-bridge", HASH),
        "devices": (Login("MTR-1", HASH),),
    }
    return MosquittoPlan(**(values | changes))  # pyright: ignore[reportArgumentType]  # the values above


def test_each_device_gets_its_own_topics_and_the_bridge_the_fleets(tmp_path: Path):
    lines = render(_plan(tmp_path))[ACL_FILE].splitlines()

    assert [line for line in lines if line.startswith("pattern")] == [
        "pattern write gtx/v1/home/%u/command/reply",
        "pattern write gtx/v1/home/%u/hello",
        "pattern write gtx/v1/home/%u/journal",
        "pattern write gtx/v1/home/%u/reading",
        "pattern write gtx/v1/home/%u/status",
        "pattern read gtx/v1/home/%u/command",
        "pattern read gtx/v1/home/%u/receipt",
    ]
    assert lines[0] == "user oracle-bridge"
    assert "topic read gtx/v1/home/+/reading" in lines
    assert "topic write gtx/v1/home/+/receipt" in lines
    assert "topic write gtx/v1/home/+/reading" not in lines


def test_nobody_is_anonymous_and_client_ids_are_the_users(tmp_path: Path):
    config = render(_plan(tmp_path))[CONFIG_FILE]

    for line in ("allow_anonymous false", "use_username_as_clientid true", "persistence true", "listener 1883 127.0.0.1"):
        assert line in config.splitlines()


def test_off_loopback_tls_is_required(tmp_path: Path):
    with pytest.raises(InvalidInput, match="TLS"):
        render(_plan(tmp_path, host="192.0.2.1"))

    config = render(_plan(tmp_path, host="192.0.2.1", certificate=Path("server.crt"), key=Path("server.key")))[CONFIG_FILE]

    assert "certfile server.crt" in config


@pytest.mark.parametrize("half", ["certificate", "key"])
def test_half_of_a_tls_pair_is_no_tls_and_is_refused(tmp_path: Path, half: str):
    with pytest.raises(InvalidInput, match="both"):
        render(_plan(tmp_path, **{half: Path("server.pem")}))


def test_a_meter_named_like_the_bridge_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="oracle-bridge"):
        render(_plan(tmp_path, devices=(Login("oracle-bridge", HASH),)))


@pytest.mark.parametrize("stored", ["secret", "$5$a$b", f"{HASH}\nother:{HASH}", f"{HASH}:x"])
def test_a_hash_that_mosquitto_does_not_read_is_refused(tmp_path: Path, stored: str):
    with pytest.raises(InvalidInput, match="MTR-1"):
        render(_plan(tmp_path, devices=(Login("MTR-1", stored),)))


def test_the_files_are_readable_by_their_owner_alone(tmp_path: Path):
    write(_plan(tmp_path))

    for name in (CONFIG_FILE, PASSWORD_FILE, ACL_FILE):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / PASSWORD_FILE).read_text().splitlines() == [f"oracle-bridge:{HASH}", f"MTR-1:{HASH}"]


def test_further_bridges_have_users_of_their_own_with_the_same_rights(tmp_path: Path):
    files = render(_plan(tmp_path, more_bridges=(Login("bridge-2", HASH),)))

    rights = files[ACL_FILE].split("\n\n")[0].split("user ")[1:]

    assert [right.split("\n", 1)[0] for right in rights] == ["oracle-bridge", "bridge-2"]
    assert len({right.strip().split("\n", 1)[1] for right in rights}) == 1
    assert files[PASSWORD_FILE].splitlines()[1].startswith("bridge-2:")
