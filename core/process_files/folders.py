"""Folders of process files: `<kind>/<key>.yaml`, drafts as `<key>.draft.yaml` beside."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from core import registry
from core.choices import VersionState
from core.models import ProcessVersion
from core.process_files.documents import BadFiles, Document, Problem, from_bytes, text_of

DRAFT: Final = ".draft.yaml"
MOST_FILES: Final = 2_000
_SUFFIXES: Final = frozenset({".yaml", ".yml"})


@dataclass(frozen=True)
class Exported:
    """A file of an export. `written` is false where the very same file was there already."""

    file: str
    kind: str
    key: str
    state: str
    written: bool


def file_name(version: ProcessVersion) -> str:
    """Where the version stands in a folder of processes. Whatever the key holds, it stays inside the folder."""
    suffix = DRAFT if version.is_draft else ".yaml"
    return f"{version.kind}/{quoted(version.key)}{suffix}"


def quoted(key: str) -> str:
    """A key as part of a file's name: two keys never give the same, and none leaves the folder."""
    letters = "".join(sign if sign.isalnum() or sign in "_-" else quote(sign, safe="") for sign in key)
    return letters.replace(".", "%2E")


def export(folder: Path, *, drafts: bool) -> list[Exported]:
    """Writes every published process into the folder, with `drafts` also the latest draft of each.

    A file that has the right content already is left alone; files of other things are not touched.
    """
    states = [VersionState.PUBLISHED, *(VersionState.drafts() if drafts else ())]
    latest = {
        (version.kind, version.key, version.is_draft): version
        for version in ProcessVersion.objects.filter(state__in=states).order_by("kind", "key", "number")
        if version.kind in {one.kind for one in registry.process_kinds()}
    }
    return [_write(folder, version) for version in latest.values()]


def _write(folder: Path, version: ProcessVersion) -> Exported:
    name, data = file_name(version), text_of(version).encode()
    path = folder / name
    written = not path.is_file() or path.read_bytes() != data
    if written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Exported(name, version.kind, version.key, str(version.state), written)


def read_path(path: Path) -> list[Document]:
    """The processes of a file or of a folder with everything in it. Raises `BadFiles` with every problem found."""
    if not path.exists():
        raise BadFiles([Problem(str(path), 1, "There is no such file or folder.")])
    files = _files(path)
    if not files:
        raise BadFiles([Problem(str(path), 1, "No .yaml file is in there. Name a process file or a folder of them.")])
    documents, problems = [], []
    for file in files:
        shown = str(file.relative_to(path)) if path.is_dir() else file.name
        try:
            documents.append(from_bytes(_bytes(file), shown, is_draft=file.name.endswith(DRAFT)))
        except BadFiles as error:
            problems += error.problems
        except OSError as error:
            problems.append(Problem(shown, 1, f"The file cannot be read: {error.strerror}."))
    problems += _twice(documents)
    if problems:
        raise BadFiles(problems)
    order = {kind.kind: place for place, kind in enumerate(registry.process_kinds())}
    return sorted(documents, key=lambda one: (order[one.kind], one.key, one.is_draft))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    shown = [file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if len(shown) > MOST_FILES:
        raise BadFiles([Problem(str(path), 1, f"{len(shown):,} files; at most {MOST_FILES:,} are read at once.")])
    return shown


def _bytes(file: Path) -> bytes:
    """No more of the file than the reader takes, so that a huge one is refused rather than loaded."""
    with file.open("rb") as stream:
        return stream.read(1_000_000)


def _twice(documents: list[Document]) -> list[Problem]:
    seen: dict[tuple[str, str, bool], str] = {}
    problems = []
    for one in documents:
        place = (one.kind, one.key, one.is_draft)
        if place in seen:
            problems.append(one.problem(f"key: '{one.key}' stands in {seen[place]} too. Keep one of the two files."))
        seen.setdefault(place, one.file)
    return problems
