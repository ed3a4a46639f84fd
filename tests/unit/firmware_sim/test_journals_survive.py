from pathlib import Path

import pytest

from core.domain.errors import InvalidInput
from devices.envelope import BINARY_SIZE
from firmware_sim.journal import Checkpoint, FileJournal, MemoryJournal


def checkpoint(sequence: int) -> Checkpoint:
    return Checkpoint(sequence, 900 * sequence, 100 * sequence, sequence, 7, 8)


def envelope(sequence: int) -> bytes:
    return bytes([sequence % 256]) * BINARY_SIZE


def test_what_was_written_is_there_after_a_power_loss(tmp_path: Path):
    path = tmp_path / "m.journal"
    journal = FileJournal(path)
    for sequence in (1, 2, 3):
        journal.append(checkpoint(sequence), envelope(sequence))
    journal.drop([1, 99])
    journal.close()

    with FileJournal(path) as again:
        assert again.entries() == {2: envelope(2), 3: envelope(3)}
        assert again.checkpoint == checkpoint(3)


def test_a_torn_tail_is_cut_off_wherever_it_tore(tmp_path: Path):
    path = tmp_path / "m.journal"
    with FileJournal(path) as journal:
        journal.append(checkpoint(1), envelope(1))
    whole = path.read_bytes()
    with FileJournal(path) as journal:
        journal.append(checkpoint(2), envelope(2))
    both = path.read_bytes()

    for length in range(len(whole), len(both)):
        path.write_bytes(both[:length])
        with FileJournal(path, sync=False) as torn:
            assert torn.entries() == {1: envelope(1)}
            torn.append(checkpoint(2), envelope(2))
        with FileJournal(path, sync=False) as mended:
            assert list(mended.entries()) == [1, 2]


def test_a_turned_bit_ends_the_sound_part(tmp_path: Path):
    path = tmp_path / "m.journal"
    with FileJournal(path) as journal:
        journal.append(checkpoint(1), envelope(1))
        journal.append(checkpoint(2), envelope(2))
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)

    with FileJournal(path) as journal:
        assert list(journal.entries()) == [1]


def test_a_long_life_stays_a_small_file_and_forgets_no_number(tmp_path: Path):
    path = tmp_path / "m.journal"
    with FileJournal(path, sync=False) as journal:
        for sequence in range(1, 3_001):
            journal.append(checkpoint(sequence), envelope(sequence))
            if sequence > 1:
                journal.drop([sequence - 1])

    assert path.stat().st_size < 3_000 * BINARY_SIZE
    with FileJournal(path) as again:
        assert list(again.entries()) == [3_000]
        assert again.checkpoint == checkpoint(3_000)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_full_journal_gives_up_its_oldest_and_counts_it(kind: str, tmp_path: Path):
    journal = FileJournal(tmp_path / "m.journal", capacity=2) if kind == "file" else MemoryJournal(capacity=2)

    for sequence in (1, 2, 3):
        journal.append(checkpoint(sequence), envelope(sequence))

    assert list(journal.entries()) == [2, 3]
    assert journal.overflowed == 1
    journal.close()


def test_a_journal_keeps_envelopes_alone(tmp_path: Path):
    with FileJournal(tmp_path / "m.journal") as journal, pytest.raises(InvalidInput):
        journal.append(checkpoint(1), b"short")
