"""Pure decisions about facts."""


def name_key(text: str) -> str:
    """The form under which names are looked up: lower case, single spaces. One rule for import and page."""
    return " ".join(text.casefold().split())
