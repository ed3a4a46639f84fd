import pytest
from solders.pubkey import Pubkey

from programs.client import errors
from programs.client.ids import PROGRAM_IDS

NOT_ACTIVE = errors.code("registry", "MeterNotActive")
REFUSED = {"InstructionError": [3, {"Custom": NOT_ACTIVE}]}
LOGS = [
    f"Program {PROGRAM_IDS.oracle} invoke [1]",
    f"Program {PROGRAM_IDS.registry} invoke [2]",
    f"Program {PROGRAM_IDS.registry} failed: custom program error: {NOT_ACTIVE:#x}",
    f"Program {PROGRAM_IDS.oracle} failed: custom program error: {NOT_ACTIVE:#x}",
]


def test_the_program_inside_is_the_one_that_refused():
    assert errors.name_of(REFUSED, logs=LOGS) == "MeterNotActive"
    assert errors.explain(REFUSED, logs=LOGS) == f"registry refused with MeterNotActive ({NOT_ACTIVE}): The meter is not active."


def test_without_logs_the_called_program_is_taken():
    programs = [Pubkey.new_unique()] * 3 + [PROGRAM_IDS.registry]
    assert errors.name_of(REFUSED, programs=programs) == "MeterNotActive"


def test_a_program_cannot_blame_another_in_its_log():
    forged = [f"Program log: Program {PROGRAM_IDS.energy_token} failed: custom program error: {NOT_ACTIVE:#x}", *LOGS]
    assert errors.program_error(REFUSED, logs=forged) == errors.program_error(REFUSED, logs=LOGS)


def test_a_code_that_every_program_has_needs_neither():
    assert errors.name_of({"InstructionError": [0, {"Custom": 6012}]}) == "Paused"


def test_a_strangers_code_stays_a_number():
    stranger = Pubkey.new_unique()
    logs = [f"Program {stranger} failed: custom program error: 0x1771"]
    assert errors.name_of({"InstructionError": [0, {"Custom": 6001}]}, logs=logs) == "Custom:6001"
    assert errors.name_of({"InstructionError": [0, {"Custom": 6001}]}, programs=[stranger]) == "Custom:6001"


@pytest.mark.parametrize(
    ("err", "name", "sentence"),
    [
        ("BlockhashNotFound", "BlockhashNotFound", "the chain refused the transaction: BlockhashNotFound"),
        (
            {"InstructionError": [1, "MissingRequiredSignature"]},
            "MissingRequiredSignature",
            "the chain refused the transaction in instruction 1: MissingRequiredSignature",
        ),
        (
            {"InsufficientFundsForRent": {"account_index": 2}},
            "InsufficientFundsForRent:{'account_index': 2}",
            "the chain refused the transaction: InsufficientFundsForRent:{'account_index': 2}",
        ),
        (
            {"InstructionError": [0, {"BorshIoError": "x"}]},
            "BorshIoError:x",
            "the chain refused the transaction in instruction 0: BorshIoError:x",
        ),
    ],
)
def test_solanas_own_errors_keep_their_names(err: object, name: str, sentence: str):
    assert errors.name_of(err) == name
    assert errors.explain(err) == sentence


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError, match="NoSuchThing"):
        errors.code("registry", "NoSuchThing")
