from pathlib import Path

import pytest
from solders.keypair import Keypair

from core.domain.errors import InvalidInput
from programs.client.signer import FileSigner, write_keypair


async def test_a_written_key_signs(tmp_path: Path):
    keypair = Keypair()
    write_keypair(tmp_path / "keys" / "a.json", keypair)
    signer = FileSigner(tmp_path / "keys" / "a.json")
    assert signer.pubkey == keypair.pubkey()
    assert (await signer.sign(b"m")).verify(keypair.pubkey(), b"m")
    assert str(keypair) not in repr(signer)


def test_a_key_is_never_overwritten(tmp_path: Path):
    write_keypair(tmp_path / "a.json", Keypair())
    with pytest.raises(InvalidInput, match="never overwritten"):
        write_keypair(tmp_path / "a.json", Keypair())


def test_a_key_that_others_can_read_is_refused(tmp_path: Path):
    write_keypair(tmp_path / "a.json", Keypair())
    (tmp_path / "a.json").chmod(0o644)
    with pytest.raises(InvalidInput, match="chmod 600"):
        FileSigner(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1,2]", b"[" + b"1," * 63 + b"1]", b"[999]", b'"text"'])
def test_a_file_that_holds_no_key_is_refused_without_showing_it(tmp_path: Path, content: bytes):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InvalidInput, match="JSON array of 64 numbers"):
        FileSigner(path)


def test_a_missing_key_file_is_named(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"nowhere\.json"):
        FileSigner(tmp_path / "nowhere.json")
