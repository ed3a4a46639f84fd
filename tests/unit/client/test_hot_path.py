import subprocess
import sys
from pathlib import Path
from time import perf_counter

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client import transactions
from programs.client.addresses import INSTRUCTIONS_SYSVAR, addresses_of
from programs.client.instructions import token2022
from programs.client.instructions.oracle import ProvenReading
from programs.client.instructions.registry import MeterAccounts
from programs.client.submissions import Budget, proven_message

ROOT = Path(__file__).parents[3]
METERS = 120
GOAL_S = 0.001
AT = addresses_of()


def test_a_proven_transaction_of_five_meters_is_built_and_signed_within_a_millisecond():
    attester = Keypair()
    places = [MeterAccounts(Pubkey.new_unique(), Pubkey.new_unique()) for _ in range(METERS)]
    programs = (AT.registry, AT.oracle, AT.energy_token)
    fixed = [key for program in programs for key in (program.config, program.authority, program.event_authority)]
    fixed += [AT.registry.id, AT.energy_token.id, AT.mint, AT.zone(1), INSTRUCTIONS_SYSVAR, token2022.PROGRAM]
    addresses = [*fixed, *(key for place in places for key in (place.meter, place.token_account))]
    table = AddressLookupTableAccount(Pubkey.new_unique(), addresses)
    readings = [ProvenReading(bytes(32), bytes(64), bytes(64), place) for place in places[::25]]

    def build(salt: int) -> tuple[float, bytes]:
        started = perf_counter()
        message = proven_message(
            AT,
            attester=attester.pubkey(),
            readings=readings,
            zones=[AT.zone(1)],
            budget=Budget(100_000, salt),
            tables=[table],
            blockhash=Hash.default(),
        )
        body = transactions.wire(message, [attester.sign_message(transactions.message_bytes(message))])
        return perf_counter() - started, body

    built = [build(salt) for salt in range(50)]

    assert len({body for _, body in built}) == 50
    assert all(len(body) <= transactions.PACKET_DATA_SIZE for _, body in built)
    assert min(seconds for seconds, _ in built) < GOAL_S


def test_anchorpy_is_not_on_the_hot_path():
    modules = "submissions, bootstrap, by_hand, enrolment, events, errors, rpc, subscribe"
    code = f"from programs.client import {modules}; import sys; sys.exit('anchorpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
