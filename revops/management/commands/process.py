"""Processes as files: export, compare, plan, apply and roll back; their reviews, owners and documents."""

import argparse
from dataclasses import asdict
from getpass import getuser
from pathlib import Path
from typing import Any

from core import process_files, versioning
from core.actors import Actor
from core.management.base import CommandRefused, TenantCommand
from core.models import Membership, ProcessVersion, Tenant
from core.permissions import Permission, may, roles_with
from revops import process_verbs


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        export = verbs.add_parser("export", help="write every published process into a folder")
        export.add_argument("path", type=Path, metavar="DIR")
        export.add_argument("--drafts", action="store_true", help="also the latest draft of each, as KEY.draft.yaml")
        diff = verbs.add_parser("diff", help="how files differ from what is live, in words")
        diff.add_argument("path", type=Path, metavar="PATH")
        diff.add_argument("--check", action="store_true", help="exit 1 when anything differs, for a drift check")
        check = verbs.add_parser("check", help="which live processes differ from the files of a folder; exit 1 if any")
        check.add_argument("path", type=Path, metavar="DIR")
        plan = verbs.add_parser("plan", help="what applying and publishing would change; writes nothing")
        plan.add_argument("path", type=Path, metavar="PATH")
        apply = verbs.add_parser("apply", help="make drafts of files, all of them or none")
        apply.add_argument("path", type=Path, metavar="PATH")
        apply.add_argument("--publish", action="store_true", help="make them live; needs --reason")
        rollback = verbs.add_parser("rollback", help="publish the content that was live before")
        rollback.add_argument("kind", metavar="KIND")
        rollback.add_argument("key", metavar="KEY")
        rollback.add_argument("--reassign", action="append", default=[], metavar="STAGE=STAGE",
                              help="where the deals go of a pipeline's stage that the earlier version does not have; "
                                   "once for each such stage")  # fmt: skip
        for verb in (apply, rollback):
            verb.add_argument("--reason", default="", metavar="TEXT", help="kept with the version; signs a waiver")
            verb.add_argument("--by", metavar="E-MAIL", help="the member who does it; else the account on this machine")
        for verb in (export, diff, check, plan, apply, rollback, *process_verbs.add_arguments(verbs)):
            self._shared(verb)

    def _shared(self, verb: argparse.ArgumentParser) -> None:
        """The options of every command may also stand behind the verb."""
        verb.add_argument("--tenant", metavar="SLUG", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        self.checked = bool(options.get("check")) or options["verb"] == "check"
        more = process_verbs.verbs().get(options["verb"])
        if more is not None:
            return more(tenant, options, _actor(options))
        try:
            return {
                "export": self._export,
                "diff": self._diff,
                "check": self._diff,
                "plan": self._plan,
                "apply": self._apply,
                "rollback": self._rollback,
            }[options["verb"]](options)
        except process_files.BadFiles as refusal:
            raise CommandRefused(str(refusal)) from refusal

    def ended_well(self, result: dict[str, Any]) -> bool:
        return bool(result.get("ok", True)) and not (self.checked and result["differs"])

    def text(self, result: dict[str, Any]) -> str:
        """Each file that matters with its changes below it; the rest as a count."""
        if "changes" not in result and "files" not in result:
            return super().text(result)
        if "files" not in result:
            changes = [f"  {text}" for text in result["changes"]]
            return "\n".join([f"{result['kind']} {result['key']}: v{result['number']} is live", *changes])
        shown = [one for one in result["files"] if (one.get("outcome") or one["state"]) not in _QUIET]
        quiet = len(result["files"]) - len(shown)
        blocks = [line for one in shown for line in _said(one)]
        return "\n".join([*blocks, f"{quiet} unchanged"] if quiet else blocks)

    def _export(self, options: dict[str, Any]) -> dict[str, Any]:
        folder: Path = options["path"]
        if folder.exists() and not folder.is_dir():
            raise CommandRefused(f"{folder} is a file. Name a folder.", returncode=2)
        try:
            files = process_files.export(folder, drafts=options["drafts"])
        except OSError as error:
            raise CommandRefused(f"{error.filename} cannot be written: {error.strerror}.") from error
        return {"exported": len(files), "written": sum(one.written for one in files), "files": _rows(files)}

    def _diff(self, options: dict[str, Any]) -> dict[str, Any]:
        path: Path = options["path"]
        files = process_files.compare(process_files.read_path(path), whole=path.is_dir())
        return {"differs": any(one.state != "same" for one in files), "files": _rows(files)}

    def _plan(self, options: dict[str, Any]) -> dict[str, Any]:
        documents = process_files.read_path(options["path"])
        files = process_files.plan(documents, actor=_actor(options), now=options["now"], today=options["as_of"])
        changed = [one for one in files if one.state != "same"]
        return {"changes": len(changed), "unchanged": len(files) - len(changed), "files": _rows(files)}

    def _apply(self, options: dict[str, Any]) -> dict[str, Any]:
        reason = options["reason"].strip()
        if options["publish"] and not reason:
            raise CommandRefused("Say why with --reason TEXT: it is kept with each version.", returncode=2)
        applied = process_files.apply(
            process_files.read_path(options["path"]),
            publish=options["publish"],
            reason=reason,
            actor=_actor(options),
            now=options["now"],
        )
        for one in applied:
            if one.waived:
                self.say(f"{one.file}: published with a waiver. {' '.join(one.waived)} Signed: {reason}")
        counts = {outcome: sum(one.outcome == outcome for one in applied) for outcome in _OUTCOMES}
        return {**counts, "waived": sum(bool(one.waived) for one in applied), "files": _rows(applied)}

    def _rollback(self, options: dict[str, Any]) -> dict[str, Any]:
        kind, key = options["kind"], options["key"]
        if not options["reason"].strip():
            raise CommandRefused("Say why with --reason TEXT: it is kept with the version.", returncode=2)
        live = ProcessVersion.objects.filter(kind=kind, key=key, state="published").first()
        if live is None:
            raise CommandRefused(f"Nothing is live as {kind} '{key}'. `process export` writes what is.")
        try:
            version = versioning.rollback(
                kind=kind, key=key, actor=_actor(options), now=options["now"], reason=options["reason"],
                answers=_reassigned(options["reassign"]),
            )  # fmt: skip
        except ValueError as refusal:
            way = " Here: --reassign STAGE=STAGE." if "`reassign:" in str(refusal) else ""
            raise CommandRefused(f"{refusal}{way}") from refusal
        if version.waiver_reason:
            self.say(f"{kind} {key}: a gate is shut; the reason is kept as the signed waiver.")
        changes = [change.text for change in versioning.diff(live, version)]
        return {"kind": kind, "key": key, "number": version.number, "content_of": version.based_on, "changes": changes}


def _reassigned(given: list[str]) -> dict[str, str]:
    """`poc=demo` as the stage that goes and the one that takes its deals over."""
    found = dict(one.partition("=")[::2] for one in given)
    if bad := [one for one in given if not all(one.partition("=")[::2])]:
        raise CommandRefused(f"--reassign {bad[0]}: write STAGE=STAGE, such as poc=demo.", returncode=2)
    return found


_HELD = roles_with(Permission.CONFIGURE_PROCESSES)
_QUIET = ("same", "unchanged")
_WORDS = {"only_live": "live, but in no file", "new": "new", "differs": "differs"}


def _said(one: dict[str, Any]) -> list[str]:
    """A file's line, then what changes, whom it reaches and what stands against it."""
    if "written" in one:
        return [f"{one['file']}{'' if one['written'] else '  (as it was)'}"]
    state = one.get("outcome") or _WORDS[one["state"]]
    number = f" v{one['number']}" if "number" in one else ""
    name = one["file"] or f"{one['kind']} {one['key']}"
    return [
        f"{name}  {state}{number}",
        *(f"  {text}" for text in one["changes"]),
        *(f"  If published: {text}" for text in one.get("effects", ())),
        *(f"  {'Gate shut' if one['waivable'] else 'Refused'}: {text}" for text in one.get("refused", ())),
    ]


_OUTCOMES = ("published", "drafted", "unchanged")


def _rows(files: list[Any]) -> list[dict[str, Any]]:
    return [asdict(one) for one in files]


def _actor(options: dict[str, Any]) -> Actor:
    """Who signs: the named member, or the account that runs the command."""
    email = options.get("by")
    if email is None:
        try:
            return Actor.system(f"process ({getuser()})")
        except (KeyError, OSError):  # an account without a name
            return Actor.system("process")
    member = Membership.objects.filter(user__email=email.strip().lower(), is_active=True).select_related("user").first()
    if member is None:
        raise CommandRefused(f"{email} is no member of this workspace. Name one with --by.", returncode=2)
    if not may(member.role, Permission.CONFIGURE_PROCESSES):
        raise CommandRefused(f"{email} may not change processes. {', '.join(_HELD)} may.", returncode=2)
    return Actor.person(member)
