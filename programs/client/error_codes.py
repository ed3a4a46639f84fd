"""Error codes and names of the programs; append only, compared with the IDLs by a test."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProgramError:
    """One named refusal."""

    code: int
    name: str
    message: str


SHARED = (
    ProgramError(6000, "Unauthorized", "The signer is not the one that this step needs."),
    ProgramError(6001, "MalformedInstruction", "The instruction data is too short, too long or out of range."),
    ProgramError(6002, "UnknownInstruction", "No instruction has this discriminator."),
    ProgramError(6003, "MissingAccount", "An account is missing."),
    ProgramError(6004, "MissingSigner", "An account that must sign did not."),
    ProgramError(6005, "AccountNotWritable", "An account that must be writable is not."),
    ProgramError(6006, "WrongAccountOwner", "An account belongs to another program."),
    ProgramError(6007, "WrongAccountType", "An account has another type or length."),
    ProgramError(6008, "WrongAddress", "An account is not the one that its seeds or the stored address name."),
    ProgramError(6009, "DuplicateAccount", "The same account was passed twice."),
    ProgramError(6010, "AlreadyInitialized", "The account exists already."),
    ProgramError(6011, "MathOverflow", "A sum or product does not fit."),
    ProgramError(6012, "Paused", "This step is paused."),
    ProgramError(6013, "WrongProgram", "The called program is not the pinned one."),
    ProgramError(6014, "NotTopLevel", "This instruction works at top level only, not by a call from another program."),
    ProgramError(6015, "SignatureCheckMissing", "The instruction before is not to the Ed25519 program."),
    ProgramError(6016, "SignatureCheckMismatch", "The Ed25519 instruction checks other bytes than the program reads."),
    ProgramError(6017, "NotUpgradeAuthority", "Only the program's upgrade authority may initialise it."),
    ProgramError(6018, "NoPendingAuthority", "No authority was proposed."),
    ProgramError(6019, "SameKeyTwice", "Two roles that must differ were given to one key."),
    ProgramError(6020, "RoleUnset", "A role has no key: fail closed."),
    ProgramError(6021, "WrongNetwork", "The message was signed for another deployment."),
    ProgramError(6022, "UnfitTokenAccount", "The token account has another program, mint, owner or state."),
)
"""What every program checks in the same way."""

REGISTRY = (
    *SHARED,
    ProgramError(6040, "UserNotVerified", "The owner is not a verified user."),
    ProgramError(6041, "InvalidMeterId", "The meter id is not 1 to 16 of A-Z a-z 0-9 - _ . padded with zeroes."),
    ProgramError(
        6042,
        "InvalidKind",
        "The statement, proof, asset or user kind is unknown, or proof and statement kind do not go together.",
    ),
    ProgramError(6043, "InvalidRatedPower", "The rated power is zero both ways or beyond 10^12 W."),
    ProgramError(6044, "OwnerIsProvisioner", "The owner and the provisioner must be different keys."),
    ProgramError(6045, "MeterNotActive", "The meter is not active."),
    ProgramError(6046, "MeterRetired", "The meter is retired, which is final."),
    ProgramError(6047, "EnergyOwed", "The meter still owes energy."),
    ProgramError(6048, "InvalidStatus", "This change of status does not exist."),
    ProgramError(6049, "WrongBinding", "The signed binding or rotation names another meter, owner, key or purpose."),
    ProgramError(6050, "BaseBehind", "The new base lies behind what the meter has already reported."),
    ProgramError(6051, "TimeInFuture", "The signed time is too far ahead of the chain's clock."),
    ProgramError(6052, "RotationTooSoon", "The key was changed less than seven days ago."),
    ProgramError(6053, "DeviceKeyRevoked", "The device key is revoked or not the meter's."),
    ProgramError(6054, "WrongProof", "The meter's readings come by the other door."),
    ProgramError(6055, "StaleSequence", "The sequence or entry number is not newer than the credited one."),
    ProgramError(6056, "StaleTime", "The time is not later than the credited one."),
    ProgramError(6057, "RegisterBackwards", "A register or total is lower than the credited one."),
    ProgramError(6058, "OverBudget", "The energy is more than the rated power allows since the last reading."),
    ProgramError(6059, "SequenceJump", "The sequence is more than 2^20 ahead."),
    ProgramError(6060, "InsufficientBalance", "Nothing can be minted for this meter."),
    ProgramError(6061, "NoUnsettledBalance", "None of the meters has anything to settle."),
    ProgramError(6062, "MintingDisabled", "The energy token's minting is disabled."),
    ProgramError(6063, "UnfitAccounts", "The owner's token account can't take tokens: closed, frozen or not his."),
    ProgramError(6064, "ZoneCapReached", "The zone's mint cap for this window is reached."),
    ProgramError(6065, "ZoneMissing", "The meter's zone was not passed."),
    ProgramError(6066, "CorrectionTooLarge", "The correction is zero or beyond the cap of this window."),
    ProgramError(6067, "CorrectionPending", "Another correction of this meter is waiting."),
    ProgramError(6068, "NoCorrectionPending", "No correction of this meter is waiting."),
    ProgramError(6069, "CorrectionLocked", "The correction's waiting time is not over."),
    ProgramError(6070, "TooManyMeters", "More meters or zones than one call takes."),
    ProgramError(6071, "InvalidLimit", "A limit is zero or out of range."),
    ProgramError(6072, "SupplyLimit", "The mint's supply can't grow by this much."),
)
ORACLE = (
    *SHARED,
    ProgramError(6040, "NotAttester", "A signer is not an attester, or signs twice."),
    ProgramError(6041, "NotEnoughAttesters", "Fewer attesters signed than the threshold asks for, or no threshold is set."),
    ProgramError(6042, "OwnerTooEarly", "The owner may submit alone only after seven days without an update."),
    ProgramError(6043, "WrongKey", "The key is not the meter's, or not at that time."),
    ProgramError(6044, "WrongStatement", "The statement is not a register statement."),
    ProgramError(6045, "WrongMeter", "The statement names another meter than the account."),
    ProgramError(6046, "NoReadings", "The batch is empty."),
    ProgramError(6047, "TooManyReadings", "The batch is longer than one call takes."),
    ProgramError(6048, "InvalidAttesters", "Attesters are zero or repeated, or the threshold does not fit them."),
    ProgramError(6049, "RootsFull", "The range of roots is full."),
    ProgramError(6050, "WrongRegistry", "The called registry is not the pinned one, or is not set up."),
)
ENERGY_TOKEN = (
    *SHARED,
    ProgramError(6040, "MintingDisabled", "Minting is disabled."),
    ProgramError(6041, "ZeroAmount", "The amount is zero."),
    ProgramError(6042, "TextTooLong", "A text is longer than its field, or not UTF-8."),
    ProgramError(6043, "BeneficiaryMissing", "A retirement names its beneficiary and its reason."),
)

BY_PROGRAM = {"registry": REGISTRY, "oracle": ORACLE, "energy_token": ENERGY_TOKEN}
