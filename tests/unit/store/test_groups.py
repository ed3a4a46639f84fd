"""Which tests run where."""

import pytest

from tests.support.groups import GROUPS, missing_groups


def test_a_group_that_is_not_wanted_is_never_missing():
    assert missing_groups(set()) == []
    assert missing_groups({"asyncio", "parametrize"}) == []


def test_a_missing_group_is_named_with_one_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.support.groups.shutil.which", lambda *_, **__: None)

    assert missing_groups({"rust", "node", "mosquitto"}) == ["mosquitto", "node", "rust"]
    assert all("\n" not in group.install and "&&" not in group.install for group in GROUPS.values())
