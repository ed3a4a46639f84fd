"""Keys that come in numbers keep their order, on which labels and payers rely."""

from pathlib import Path

from solders.keypair import Keypair

from deploy.keys import KeyFolder, write_keypair


def test_the_eleventh_payer_comes_after_the_third(tmp_path: Path):
    keys = [Keypair() for _ in range(12)]
    for number, key in enumerate(keys):
        write_keypair(tmp_path / f"payer-{number}.json", key)

    assert [key.pubkey() for key in KeyFolder(path=tmp_path).numbered("payer")] == [key.pubkey() for key in keys]
