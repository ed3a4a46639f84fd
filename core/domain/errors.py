"""Errors sorted by what the caller should do about them."""


class DomainError(Exception):
    """The platform could not do what was asked; the message is one sentence a person can act on."""


class InvalidInput(DomainError):  # noqa: N818  # named after what the caller gave
    """The request is wrong in itself: correct it, don't repeat it."""


class NotFound(DomainError):  # noqa: N818  # named after what was looked for
    """What the request names does not exist."""


class Conflict(DomainError):  # noqa: N818  # named after what stands in the way
    """The request contradicts what is already so: look, then decide."""


class Unavailable(DomainError):  # noqa: N818  # named after the part's condition
    """A part that is needed does not answer: repeat later; nothing has happened."""


class OutcomeUnknown(DomainError):  # noqa: N818  # named after what is known
    """It may or may not have happened: ask for the outcome before repeating."""
