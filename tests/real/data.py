"""Where the real files are: beside the project or where REVOPS_REAL_DATA says. They are never part of the project."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def real_data(folder: str) -> Path:
    """The folder of one collection; skips the test, with a line that says how to get it, where it is absent."""
    place = Path(os.environ.get("REVOPS_REAL_DATA", BESIDE)) / folder
    if not place.is_dir():
        pytest.skip(f"No real files at {place}: set REVOPS_REAL_DATA to the folder that holds {folder}/.")
    return place
