"""Bringing the compiled programs to any cluster. What is so on the chain decides what comes next."""

from programs.client.deployment.builds import PROGRAM_NAMES, Build, committed_builds
from programs.client.deployment.deployer import Deployer, DeployerKeys
from programs.client.deployment.estimate import Estimate, estimate, require_balance
from programs.client.deployment.leftovers import Leftover, close_buffers, leftover_buffers
from programs.client.deployment.survey import ProgramSurvey, Step, survey
from programs.client.deployment.verification import Finding, verify

__all__ = [
    "PROGRAM_NAMES",
    "Build",
    "Deployer",
    "DeployerKeys",
    "Estimate",
    "Finding",
    "Leftover",
    "ProgramSurvey",
    "Step",
    "close_buffers",
    "committed_builds",
    "estimate",
    "leftover_buffers",
    "require_balance",
    "survey",
    "verify",
]
