"""The one door: every reading, from MQTT or HTTP, becomes a row, a verdict and work in one transaction."""

from devices.intake.door import Intake
from devices.intake.rate_limit import RateLimit
from devices.intake.submission import BatchResult, Outcome, Submission
from devices.intake.verifier import SignatureVerifier

__all__ = ["BatchResult", "Intake", "Outcome", "RateLimit", "SignatureVerifier", "Submission"]
