class LocalError(Exception):
    """The services of this checkout cannot be used; the text says what to do and is all the user sees."""
