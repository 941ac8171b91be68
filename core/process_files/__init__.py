"""Processes as files: one stable YAML file each, to be exported, compared, planned and applied."""

from core.process_files.documents import BadFiles, Document, Problem, from_bytes, text_of, to_text
from core.process_files.folders import Exported, export, file_name, read_path
from core.process_files.plans import Applied, Compared, Planned, apply, compare, plan

__all__ = [
    "Applied",
    "BadFiles",
    "Compared",
    "Document",
    "Exported",
    "Planned",
    "Problem",
    "apply",
    "compare",
    "export",
    "file_name",
    "from_bytes",
    "plan",
    "read_path",
    "text_of",
    "to_text",
]
