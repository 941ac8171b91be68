"""Requests that are understood and come too late: what they are about has changed for good meanwhile."""


class Conflict(ValueError):
    """A door answers 409 with the message, which says what to do instead. `code` is for scripts."""

    code = "conflict"
