"""Why a file as a whole cannot be taken."""


class ImportRefused(Exception):
    """Nothing was written. `code` is for scripts; the message names the cause and the remedy."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
