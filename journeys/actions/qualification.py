"""What publishing a qualification framework does to the answers that are there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.choices import VersionState
from core.models import ProcessVersion
from journeys.models import Answer
from journeys.rules.qualification import BadAnswer, Question, judged, parse_qualification


def rejudge_answers(version: ProcessVersion, actor: Actor, now: datetime) -> None:
    """Answers to questions that ask for another type, least or choice than before are judged anew; nothing is lost."""
    if version.number == 1:
        return
    changed = _changed_questions(version)
    if not changed:
        return
    turned: dict[bool, list[int]] = {True: [], False: []}
    accounts: set[int] = set()
    said = Answer.objects.filter(framework=version.key, question__in=list(changed)).order_by("pk")
    for pk, question, value, contact, complete, account in said.values_list(
        "pk", "question", "value", "contact_id", "is_complete", "opportunity__account_id"
    ).iterator():
        now_complete = _satisfies(changed[question], value, has_contact=contact is not None)
        if now_complete != complete:
            turned[now_complete].append(pk)
            if account is not None:
                accounts.add(account)
    if not turned[True] and not turned[False]:
        return
    for complete, ids in turned.items():
        Answer.objects.filter(pk__in=ids).update(is_complete=complete)
    told = {"complete": len(turned[True]), "incomplete": len(turned[False])}
    audit.record(actor=actor, at=now, verb="judged answers anew", subject=version, after=told)
    mark_changed(sorted(accounts))


def _satisfies(question: Question, value: Any, *, has_contact: bool) -> bool:
    try:
        return judged(question, value, has_contact=has_contact).is_complete
    except BadAnswer:
        return False


def _changed_questions(version: ProcessVersion) -> Mapping[str, Question]:
    """The questions by key whose answers may count otherwise than under the version before."""
    before = (
        ProcessVersion.objects.filter(
            kind=version.kind, key=version.key, state=VersionState.RETIRED, published_at__isnull=False
        )
        .order_by("-published_at", "-number")
        .first()
    )
    was: dict[str, tuple[Any, ...]] = {}
    if before is not None:
        try:
            was = {one.key: _asks(one) for one in parse_qualification(before.definition).questions}
        except ValueError:  # a version from before its language changed
            was = {}
    return {one.key: one for one in parse_qualification(version.definition).questions if was.get(one.key) != _asks(one)}


def _asks(question: Question) -> tuple[Any, ...]:
    return question.type, question.least, question.choices
