"""A platform over real sockets, for a client that reads its document."""

from collections.abc import Iterator

import pytest

from tests.support.platform import Grid
from tests.support.threaded import platform_in_a_thread


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """The whole platform, running in a thread."""
    with platform_in_a_thread(tmp_path_factory.mktemp("platform")) as running:
        yield running
