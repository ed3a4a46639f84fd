class LocalnetError(Exception):
    """The embedded chain cannot start or go on; the message is one sentence that says what to do."""
