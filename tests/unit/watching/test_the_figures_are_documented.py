"""`docs/watching.md` lists what the registry has, word for word."""

from pathlib import Path

from core.runtime.metrics import PREFIX, Metrics
from tests.support.figures import declared

WATCHING = Path(__file__).resolve().parents[3] / "docs" / "watching.md"
UNITS = ("_seconds", "_lamports", "_wh", "_bytes", "_total", "_info")
PERSONAL = {"meter", "meter_id", "wallet", "owner", "signature", "transaction", "request", "user", "address", "url", "path"}


def rows() -> dict[str, tuple[str, str, str]]:
    """Name → (kind, labels, meaning) of each row of the table of figures."""
    found: dict[str, tuple[str, str, str]] = {}
    for line in WATCHING.read_text().splitlines():
        if line.startswith(f"| `{PREFIX}"):
            name, kind, labels, meaning = (cell.strip() for cell in line.strip("|").split("|"))
            found[name.strip("`")] = (kind, labels.replace("`", ""), meaning)
    return found


def test_the_table_is_the_registry():
    registry = {
        name: (metric._type, ", ".join(metric._labelnames), metric._documentation) for name, metric in declared(Metrics()).items()
    }

    assert rows() == registry


def test_no_label_can_name_a_person_or_grow_without_end():
    for name, metric in declared(Metrics()).items():
        assert not PERSONAL & set(metric._labelnames), name
        assert len(metric._labelnames) <= 3, name


def test_a_name_carries_its_unit():
    for name, metric in declared(Metrics()).items():
        text = metric._documentation
        if text.startswith("1 "):
            continue  # yes or no
        if " Wh" in text or "lamports" in text or "Unix seconds" in text:
            assert name.endswith(UNITS), name
