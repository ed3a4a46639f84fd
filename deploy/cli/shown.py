"""What people are shown."""

from rich.console import Console

from deploy.platform import Platform


def console() -> Console:
    """Where commands print; into a pipe or a file lines are as long as they need to be."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=240)


def show_endpoints(platform: Platform, screen: Console, *, owner: str | None = None) -> None:
    """Print where the parts listen, and what to try."""
    endpoints = platform.endpoints
    token_file = platform.settings.data_dir / "operator-token"
    is_drawn = platform.settings.api.operator_token is None
    if platform.only == "bridge":
        screen.print(f"state     {endpoints.api_url}/ready")
    else:
        screen.print(f"API       {endpoints.api_url}   (OpenAPI at /schema, state at /ready)")
    if platform.only != "api":
        screen.print(f"MQTT      {endpoints.mqtt_url}")
    screen.print(f"Solana    {endpoints.rpc_url}")
    screen.print(f"database  {endpoints.database}")
    screen.print(f"operator token in {token_file}" if is_drawn else "operator token as set", soft_wrap=True)
    if owner is not None:
        shown_token = f"$(cat {token_file})" if is_drawn else "$GRIDTOKENX_API__OPERATOR_TOKEN"
        screen.print(
            f'try: curl -H "Authorization: Bearer {shown_token}" {endpoints.api_url}/api/tokens/balance/{owner}',
            soft_wrap=True,
        )
    screen.print("Ctrl-C stops everything.")
