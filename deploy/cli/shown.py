"""What people are shown of a running platform."""

from rich.console import Console

from deploy.platform import Platform


def show_endpoints(platform: Platform, console: Console, *, owner: str | None = None) -> None:
    """Print where the parts listen, and what to try."""
    endpoints = platform.endpoints
    token_file = platform.settings.data_dir / "operator-token"
    console.print(f"API       {endpoints.api_url}   (OpenAPI at /schema, state at /ready)")
    console.print(f"MQTT      {endpoints.mqtt_url}")
    console.print(f"Solana    {endpoints.rpc_url}")
    console.print(f"database  {endpoints.database}")
    console.print(f"operator token in {token_file}", soft_wrap=True)
    if owner is not None:
        console.print(
            f'try: curl -H "Authorization: Bearer $(cat {token_file})" {endpoints.api_url}/api/tokens/balance/{owner}',
            soft_wrap=True,
        )
    console.print("Ctrl-C stops everything.")
