"""What a deployment will cost, before anything is spent."""

from collections.abc import Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client import loader
from programs.client.deployment.survey import ProgramSurvey, Step
from programs.client.deployment.upload import chunk_size
from programs.client.rpc import ChainClient

LAMPORTS_PER_SIGNATURE = 5_000
LAMPORTS_PER_SOL = 1_000_000_000
SETTING_UP_LAMPORTS = 30_000_000
"""At most what `initialise` pays for configs, mint, roots and a zone; a test compares."""
SIGNATURES_OF_A_STEP = 3
STEPS_BESIDE_WRITING = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """Lamports."""

    stays: int
    """Rent of what remains on the chain."""
    returns: int
    """Rent of buffers, which comes back with the upgrade."""
    fees: int
    keeps: int
    """What the payer's own account must keep to exist."""

    @property
    def needed(self) -> int:
        """What the payer must have at the start."""
        return self.stays + self.returns + self.fees + self.keeps


async def estimate(
    client: ChainClient, surveys: Sequence[ProgramSurvey], *, payer: Pubkey, authority: Pubkey, sets_up: bool
) -> Estimate:
    """Add up what the steps ahead cost; lamports already in buffers are not counted again.

    Args:
        client: asked for the rent only.
        surveys: the programs to be brought up to date.
        payer: pays.
        authority: upgrade authority; its signature costs too when it is another key.
        sets_up: whether the programs are initialised afterwards.
    """
    ahead = [seen for seen in surveys if seen.next_step is not Step.NOTHING]
    signatures = 1 if payer == authority else 2
    stays, returns, fees = SETTING_UP_LAMPORTS if sets_up else 0, 0, 0
    for seen in ahead:
        code = len(seen.build.code)
        fees += _writes(seen, payer, authority) * signatures * LAMPORTS_PER_SIGNATURE
        fees += STEPS_BESIDE_WRITING * SIGNATURES_OF_A_STEP * LAMPORTS_PER_SIGNATURE
        if seen.data is None:
            size = loader.PROGRAM_DATA_HEADER + code
            rent = await client.minimum_balance(loader.PROGRAM_SIZE) + await client.minimum_balance(size)
            stays += max(0, rent - seen.buffer_lamports - seen.program_lamports)
        else:
            more = max(0, code - len(seen.data.elf))
            stays += await client.minimum_balance(more) - await client.minimum_balance(0)
            buffer = await client.minimum_balance(loader.BUFFER_HEADER + code)
            returns = max(returns, buffer - seen.buffer_lamports)
    return Estimate(stays, returns, fees, await client.minimum_balance(0))


def require_balance(has: int, cost: Estimate, payer: Pubkey) -> None:
    """Refuse to begin what the payer cannot finish.

    Raises:
        InvalidInput: too little; the sentence says how much is missing.
    """
    if has < cost.needed:
        raise InvalidInput(
            f"the payer {payer} has {sol(has)} SOL and needs {sol(cost.needed)}; send it {sol(cost.needed - has)} more"
        )


def sol(lamports: int) -> str:
    """Lamports as SOL, exactly."""
    whole, rest = divmod(lamports, LAMPORTS_PER_SOL)
    return f"{whole}.{rest:09}"


def _writes(seen: ProgramSurvey, payer: Pubkey, authority: Pubkey) -> int:
    """Transactions that write code; as if none of it were there, which is dearest."""
    if seen.next_step not in (Step.MAKE_BUFFER, Step.WRITE):
        return 0
    return -(-len(seen.build.code) // chunk_size(payer, authority))
