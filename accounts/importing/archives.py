"""Files inside a zip archive. What is broken, locked or packed in an unknown way is refused with the remedy."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from typing import IO, Final

from accounts.importing.errors import ImportRefused

RATIO_MAX: Final = 200
SMALL: Final = 1024 * 1024
# What reading raises. Opening also fails by ValueError (a position before the beginning), RuntimeError (a password)
# and its kind NotImplementedError (a way of packing that Python cannot undo).
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError)
_CANNOT_OPEN: Final = (RuntimeError, ValueError)


def is_archive(path: Path) -> bool:
    """Whether the file ends as a zip archive does. It may be broken all the same, and a workbook is one too."""
    return zipfile.is_zipfile(path)


def members(path: Path) -> list[str]:
    """The CSV files inside a zip archive, or nothing for a plain file."""
    if not is_archive(path):
        return []
    with _opened(path) as archive:
        return _tables(archive)


def pick_member(path: Path, member: str, max_bytes: int) -> str:
    """A member that is asked for, or the only one; sizes are checked before anything is unpacked."""
    with _opened(path) as archive:
        names = {info.filename: info for info in archive.infolist()}
        if "content.xml" in names and "mimetype" in names:
            raise ImportRefused(
                "wrong_type", "This is an OpenDocument file (.ods). Save it as “Excel Workbook (.xlsx)” or as CSV."
            )
        found = _tables(archive)
        if not member and len(found) != 1:
            what = "no CSV file" if not found else f"{len(found)} CSV files"
            raise ImportRefused("archive", f"The archive holds {what}. Unpack it and choose one file.")
        info = names.get(member or found[0])
        if info is None:
            raise ImportRefused("archive", f"The archive holds no file {member}.")
        bomb = info.file_size > RATIO_MAX * max(info.compress_size, 1) and info.file_size > SMALL
        if bomb or (max_bytes and info.file_size > max_bytes):
            raise ImportRefused(
                "too_large", f"{info.filename} unpacks to {info.file_size:,} bytes. Unpack it and split it."
            )
        return info.filename


@contextmanager
def unpacked(path: Path, member: str) -> Iterator[IO[bytes]]:
    """The bytes of a member, as a stream. Damage is found while it is read, and refused then."""
    with _opened(path) as archive:
        try:
            stream = archive.open(member)
        except _CANNOT_OPEN as error:
            raise _refusal(f"{member} cannot be unpacked here: it is protected, or packed in an unusual way") from error
        with stream:
            yield stream


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (*_BROKEN, *_CANNOT_OPEN) as error:
        raise _refusal("The archive is broken") from error
    try:
        with archive:
            yield archive
    except _BROKEN as error:
        raise _refusal("The archive is broken") from error


def _tables(archive: zipfile.ZipFile) -> list[str]:
    return [
        info.filename
        for info in archive.infolist()
        if info.filename.lower().endswith((".csv", ".tsv", ".txt")) and "__MACOSX" not in info.filename
    ]


def _refusal(what: str) -> ImportRefused:
    return ImportRefused("archive", f"{what}. Unpack it yourself and choose the CSV file, or pack it again.")
