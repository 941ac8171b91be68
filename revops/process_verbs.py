"""What the command `process` does around versions: reviews, owners, lint, documents."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import registry, reviews
from core.actors import Actor
from core.choices import VersionState
from core.documents.building import portfolio_document, process_document
from core.documents.markdown import as_markdown
from core.documents.queries import coverage
from core.management.base import CommandRefused
from core.models import Membership, ProcessVersion, Tenant
from core.process_files.folders import quoted
from core.processes.owners import lint, members, set_owner

REVIEWS = {
    "ask-review": "put the newest draft before a second person; needs --reason and --by",
    "take-back": "make a draft in review a plain draft again",
    "send-back": "send a draft in review back to its author; needs --reason",
    "approve": "approve a draft that somebody else put into review; needs --by",
}
_PERSONAL = {"ask-review", "approve"}
Verb = Callable[[Tenant, dict[str, Any], Actor], dict[str, Any]]


def add_arguments(verbs: Any) -> list[argparse.ArgumentParser]:
    """The parsers of these verbs, for the options that all verbs share."""
    found = []
    for verb, words in REVIEWS.items():
        parser = _of_one(verbs, verb, words)
        parser.add_argument("--reason", default="", metavar="TEXT", help="what the change is for, or what to change")
        parser.add_argument("--by", metavar="E-MAIL", required=verb in _PERSONAL, help="the member who does it")
        found.append(parser)
    owner = _of_one(verbs, "owner", "name who answers for a process, and who does while they are away")
    owner.add_argument("--owner", required=True, metavar="E-MAIL")
    owner.add_argument("--deputy", metavar="E-MAIL")
    owner.add_argument("--by", metavar="E-MAIL", help="the member who does it")
    found += [
        owner,
        verbs.add_parser("lint", help="live processes without an active owner and deputy, or with gaps; exit 1 if any"),
    ]
    documents = verbs.add_parser("documents", help="write every document as Markdown or PDF into a folder")
    documents.add_argument("path", type=Path, metavar="DIR")
    documents.add_argument("--format", choices=["md", "pdf"], default="md")
    return [*found, documents]


def _of_one(verbs: Any, verb: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(verb, help=words)
    parser.add_argument("kind", metavar="KIND")
    parser.add_argument("key", metavar="KEY")
    return parser


def verbs() -> dict[str, Verb]:
    """By name, what each does."""
    return {**dict.fromkeys(REVIEWS, _review), "owner": _owner, "lint": _lint, "documents": _documents}


def _review(_tenant: Tenant, options: dict[str, Any], actor: Actor) -> dict[str, Any]:
    drafts = ProcessVersion.objects.filter(
        kind=options["kind"], key=options["key"], state__in=VersionState.drafts()
    ).order_by("-number")
    version = drafts.first()
    if version is None:
        raise CommandRefused(f"{options['kind']} '{options['key']}' has no draft. Make one with `process apply`.")
    given: dict[str, Any] = {"version": version, "actor": actor, "now": options["now"]}
    try:
        if options["verb"] == "ask-review":
            version = reviews.ask_for_review(**given, reason=options["reason"])
        elif options["verb"] == "send-back":
            version = reviews.send_back(**given, note=options["reason"])
        else:
            version = (reviews.approve if options["verb"] == "approve" else reviews.take_back)(**given)
    except ValueError as refusal:
        raise CommandRefused(str(refusal)) from refusal
    return {
        "kind": version.kind,
        "key": version.key,
        "number": version.number,
        "state": str(version.state),
        "asked_by": version.review_asked_by,
        "approved_by": version.approved_by,
    }


def _owner(_tenant: Tenant, options: dict[str, Any], actor: Actor) -> dict[str, Any]:
    owner = _member(options["owner"])
    deputy = _member(options["deputy"]) if options["deputy"] else None
    try:
        row = set_owner(
            kind=options["kind"],
            key=options["key"],
            owner_id=owner.pk,
            deputy_id=deputy.pk if deputy else None,
            actor=actor,
            now=options["now"],
        )
    except ValueError as refusal:
        raise CommandRefused(str(refusal)) from refusal
    said = {"owner": str(row.owner.user), "deputy": str(row.deputy.user) if row.deputy else None}
    return {"kind": row.kind, "key": row.key, **said}


def _member(email: str) -> Membership:
    found = members().filter(user__email=email.strip().lower()).first()
    if found is None:
        raise CommandRefused(f"{email} is no active member of this workspace.", returncode=2)
    return found


def _lint(_tenant: Tenant, _options: dict[str, Any], _actor: Actor) -> dict[str, Any]:
    found = lint()
    return {"ok": not found, "findings": [{**asdict(one), "problems": list(one.problems)} for one in found]}


def _documents(tenant: Tenant, options: dict[str, Any], _actor: Actor) -> dict[str, Any]:
    folder: Path = options["path"]
    if folder.exists() and not folder.is_dir():
        raise CommandRefused(f"{folder} is a file. Name a folder.", returncode=2)
    live = ProcessVersion.objects.filter(
        state=VersionState.PUBLISHED, kind__in=[kind.kind for kind in registry.process_kinds()]
    )
    written = [
        (f"{quoted(one.kind)}.{quoted(one.key)}", process_document(one, tenant), one.published_at)
        for one in live.order_by("kind", "key")
    ]
    about = [
        (quoted(one.key), portfolio_document(one, tenant, options["as_of"], sees_money=True), options["now"])
        for one in registry.documents()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for stem, document, made_at in [*written, *about]:
        name = f"{stem}.{options['format']}"
        if options["format"] == "pdf":
            from core.documents.paper import as_pdf  # noqa: PLC0415 -- loads the library only where one is asked for

            (folder / name).write_bytes(as_pdf(document, made_at=made_at or options["now"]))
        else:
            (folder / name).write_text(as_markdown(document), encoding="utf-8")
        files.append(name)
    count = coverage()
    counts = {name: getattr(count, name) for name in ("total", "documented", "ownerless", "with_gaps")}
    return {**counts, "wrote": files}
