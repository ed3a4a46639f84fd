"""A running platform with the command line beside it, one for each file."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from deploy.cli.app import app
from tests.support.fleet_day import returning_settings
from tests.support.platform import Grid, running_grid

Types = Callable[..., Awaitable[tuple[int, str]]]
"""Run `gridtokenx …` beside the platform; returns exit code and what it says."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the platform was started."""
    return tmp_path_factory.mktemp("platform")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def grid(folder: Path) -> AsyncGenerator[Grid]:
    """The whole platform, found by the command line."""
    settings = returning_settings(folder / ".gridtokenx")
    with pytest.MonkeyPatch.context() as shell:
        shell.chdir(folder)
        shell.setenv("COLUMNS", "300")
        shell.setenv("GRIDTOKENX_DATA_DIR", str(settings.data_dir))
        shell.setenv("GRIDTOKENX_CHAIN__EMBEDDED_PORT", str(settings.chain.embedded_port))
        async with running_grid(folder, settings) as running:
            yield running


@pytest.fixture
def types(grid: Grid) -> Types:
    """The command line of this platform."""

    async def run(*words: str) -> tuple[int, str]:
        result = await asyncio.to_thread(lambda: CliRunner().invoke(app, words))
        return result.exit_code, f"{result.output}{result.exception or ''}"

    return run
