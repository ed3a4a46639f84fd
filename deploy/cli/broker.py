"""`gridtokenx broker …`: a real broker, told what the platform knows."""

import asyncio
import secrets
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from broker.mosquitto import Login, MosquittoPlan, write
from broker.passwords import SALT_BYTES, hash_password
from core.domain.errors import InvalidInput
from core.domain.identity import parse_fleet
from core.runtime.settings import Settings, load_settings
from core.store import meters as meter_rows
from core.store.tables.meters import BrokerCredentialRow
from deploy.cli.session import open_store
from deploy.cli.shown import console
from deploy.folders import ready_folder

app = typer.Typer(
    help="A real broker: its configuration, made from the devices' credentials.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
_CONSOLE = console()


@app.callback()
def broker() -> None:
    """Keep the group a group while it has one command."""


@app.command("mosquitto")
def mosquitto(
    folder: Annotated[Path, typer.Argument(help="Where the files go, and where Mosquitto keeps its sessions.")],
    host: Annotated[str, typer.Option(help="Listening address; beyond loopback a certificate is needed.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Listening port.")] = 1883,
    certificate: Annotated[Path | None, typer.Option(help="Server certificate in PEM, for TLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key.")] = None,
    also: Annotated[list[str] | None, typer.Option(help="User of a further bridge, with the same password; repeatable.")] = None,
) -> None:
    """Write Mosquitto's configuration, passwords and access list; repeat it after each import, and send Mosquitto SIGHUP."""
    settings = load_settings()
    bridges = [_bridge_login(settings, name) for name in (settings.mqtt.username, *(also or ()))]
    ready_folder(folder, "FOLDER")
    _require_pair(certificate, key)
    plan = MosquittoPlan(
        directory=folder.resolve(),
        host=host,
        port=port,
        fleets=(parse_fleet(settings.fleet),),
        bridge=bridges[0],
        more_bridges=tuple(bridges[1:]),
        devices=tuple(Login(row.username, row.password_hash) for row in asyncio.run(_credentials(settings))),
        certificate=None if certificate is None else certificate.resolve(),
        key=None if key is None else key.resolve(),
        user=folder.owner(),
    )
    config = write(plan)
    scheme = "mqtt" if certificate is None else "mqtts"
    who = "the bridge" if len(bridges) == 1 else f"{len(bridges)} bridges"
    _CONSOLE.print(
        f"{len(plan.devices)} devices and {who} may connect; start as {plan.user}, or as the administrator", soft_wrap=True
    )
    _CONSOLE.print(f"  mosquitto -c {config}", soft_wrap=True)
    _CONSOLE.print(f"and the platform with GRIDTOKENX_MQTT__URL={scheme}://{host}:{port}", soft_wrap=True)


def _require_pair(certificate: Path | None, key: Path | None) -> None:
    """See that Mosquitto will be able to read certificate and key, and that they belong together."""
    if certificate is None or key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password=_no_password)
    except OSError as problem:  # a missing file as well as one that is no certificate or belongs to another key
        raise InvalidInput(f"--certificate {certificate}, --key {key}: no readable pair in PEM ({problem.strerror})") from problem


def _no_password() -> str:
    raise InvalidInput("--key: the key is encrypted, and Mosquitto has nobody to ask for its password; store it without")


def _bridge_login(settings: Settings, username: str) -> Login:
    password = settings.mqtt.password
    if password is None or not password.get_secret_value():
        raise InvalidInput("set GRIDTOKENX_MQTT__PASSWORD, here and for `gridtokenx up`: the bridge connects with it")
    return Login(username, hash_password(password.get_secret_value(), secrets.token_bytes(SALT_BYTES)))


async def _credentials(settings: Settings) -> Sequence[BrokerCredentialRow]:
    async with open_store(settings) as store, store.read() as rows:
        return await meter_rows.all_credentials(rows)
