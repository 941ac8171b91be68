"""Scoring: one statement per model, for everybody or for those whose facts changed."""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Q

from accounts.choices import AccountStatus
from accounts.models import Account
from core import audit
from core.actors import Actor
from core.changes import changes_waiting, take_changes
from core.jobs import enqueue_on_commit
from core.models import Change, Tenant
from core.money import digits
from core.tenancy import require_tenant_id
from health.actions.session import lock_scores, plan_for
from health.engine import recompute_sql
from health.models import Score, ScoringState
from health.queries.live import LiveModel, compiled, covered_segments, live_models
from health.queries.state import ENDED_AFTER, scoring_day

TASK = "health.score_changes"
WATCH = "health.watch_accounts"
CONSUMER = "health"
SET_ASIDE = "health.set_aside"
MOST_SET_ASIDE = 20  # more of them at once, and it is no fault of theirs

# What a fact that cannot be reckoned with raises. A database that is down is no fault of an account.
BROKEN = (DataError, IntegrityError, ArithmeticError, ValueError)

logger = logging.getLogger(__name__)


class NoModel(Exception):
    """Nothing can be scored: the workspace has no published score model, or none under the asked key."""


@dataclass
class Run:
    """What a run did. `changed`: accounts whose stored history grew; `written`: rows whose facts or age moved on."""

    as_of: date
    accounts: int = 0
    scored: int = 0
    changed: int = 0
    written: int = 0
    statement_ms: float = 0.0
    model_versions: dict[str, int] = field(default_factory=dict)
    set_aside: int = 0

    @property
    def not_enough_data(self) -> int:
        return self.accounts - self.scored

    def plus(self, other: "Run") -> "Run":
        """Both runs, of different accounts, as one."""
        return Run(
            self.as_of,
            accounts=self.accounts + other.accounts,
            scored=self.scored + other.scored,
            changed=self.changed + other.changed,
            written=self.written + other.written,
            statement_ms=self.statement_ms + other.statement_ms,
            model_versions=self.model_versions | other.model_versions,
            set_aside=self.set_aside + other.set_aside,
        )


@transaction.atomic
def recompute(
    *, actor: Actor, now: datetime, as_of: date, account_ids: Iterable[int] | None = None, model_key: str | None = None
) -> Run:
    """Scores as of a day: every customer, or only the given accounts. The same facts always give the same scores.

    Writes current scores, history where something differs, and the roll-up of the day. Done again on the same facts
    it writes nothing. Raises `NoModel` when there is nothing to score with.
    """
    tenant = Tenant.objects.get(pk=require_tenant_id())
    lock_scores(tenant.pk)
    live = live_models()
    chosen = [one for one in live if model_key in (None, one.model.key)]
    if not chosen:
        raise NoModel(_no_model(model_key, live))
    ids = None if account_ids is None else sorted(set(account_ids))
    state = ScoringState.objects.first()
    rolled_on = state.rolled_on if state else None
    roll = as_of if ids is None or rolled_on is None else max(as_of, rolled_on)
    run = Run(as_of)
    plan_for(everybody=ids is None)
    for one in chosen:
        _score_with(one, live, tenant, run, now=now, ids=ids, roll=roll, base=rolled_on)
        rolled_on = roll if ids is not None else rolled_on
    _remember(state, run, now=now, full=ids is None, roll=roll)
    if ids is None and model_key is None:
        Change.objects.filter(consumer=SET_ASIDE).delete()  # everybody could be scored
    if ids is None:
        _note(run, actor=actor, now=now)
    return run


@transaction.atomic
def score_changes(*, actor: Actor, now: datetime, today: date, limit: int = 1000) -> Run:
    """Scores the accounts whose facts changed, up to `limit`, and rings again while more wait.

    The change rows go in the same transaction: a crash puts them back.
    """
    tenant_id = require_tenant_id()
    ids = take_changes(CONSUMER, limit=limit)
    day = scoring_day(tenant_id, today, changed=ids)
    if not ids:
        return Run(day)
    if changes_waiting(CONSUMER):
        enqueue_on_commit(TASK, tenant_id=tenant_id)
    if not live_models():
        return Run(day)  # a workspace without a model has nothing to keep up to date
    Change.objects.filter(consumer=SET_ASIDE, account_id__in=ids).delete()
    run = _score_or_set_aside(ids, actor=actor, now=now, day=day, everybody=_day_jumps(day, today))
    enqueue_on_commit(WATCH, tenant_id=tenant_id, account_ids=ids)
    return run


@transaction.atomic
def recompute_everybody(*, actor: Actor, now: datetime, as_of: date) -> Run:
    """The full run. Where accounts cannot be scored they wait aside with the score they had; all others are scored.

    Raises `NoModel`, and what the database said where more than `MOST_SET_ASIDE` accounts cannot be scored.
    """
    lock_scores(require_tenant_id())
    try:
        with transaction.atomic():
            return recompute(actor=actor, now=now, as_of=as_of)
    except BROKEN as error:
        logger.warning("Not everybody can be scored at once (%s): looking for those who cannot.", error)
    Change.objects.filter(consumer=SET_ASIDE).delete()
    scored_or_not = Q(status=AccountStatus.CUSTOMER) | Q(pk__in=Score.objects.values("account_id"))
    ids = list(Account.objects.filter(scored_or_not).order_by("pk").values_list("pk", flat=True))
    run = _score_or_set_aside(ids, actor=actor, now=now, day=as_of, everybody=False, room=MOST_SET_ASIDE)
    state = ScoringState.objects.first()
    _remember(state, run, now=now, full=True, roll=state.rolled_on if state else as_of)
    _note(run, actor=actor, now=now)
    return run


def _score_or_set_aside(
    ids: list[int], *, actor: Actor, now: datetime, day: date, everybody: bool, room: int | None = None
) -> Run:
    """Scores them. What cannot be is halved until one account is left, which waits aside and stops nobody else.

    A later change tries it again, and so does every full run. With `room`, the error of the account after so many
    is raised.
    """
    try:
        with transaction.atomic():
            return recompute(actor=actor, now=now, as_of=day, account_ids=None if everybody else ids)
    except BROKEN:
        if len(ids) == 1 and not everybody:
            if room == 0:
                raise
            logger.exception("Account %s cannot be scored and is set aside.", ids[0])
            Change.objects.create(consumer=SET_ASIDE, account_id=ids[0])
            return Run(day, set_aside=1)
    if everybody:
        return _score_or_set_aside(ids, actor=actor, now=now, day=day, everybody=False)
    middle = len(ids) // 2
    run = _score_or_set_aside(ids[:middle], actor=actor, now=now, day=day, everybody=False, room=room)
    left = None if room is None else room - run.set_aside
    return run.plus(_score_or_set_aside(ids[middle:], actor=actor, now=now, day=day, everybody=False, room=left))


def _day_jumps(day: date, today: date) -> bool:
    """Whether the day that everybody is scored on has to move at once: data ended, or came to life again."""
    state = ScoringState.objects.first()
    if state is None:
        return False
    return day < state.as_of or (day != state.as_of and state.as_of < today - ENDED_AFTER)


def _score_with(
    one: LiveModel,
    live: Sequence[LiveModel],
    tenant: Tenant,
    run: Run,
    *,
    now: datetime,
    ids: list[int] | None,
    roll: date,
    base: date | None,
) -> None:
    others = [other for other in live if other.version_id != one.version_id]
    plan = compiled(one, others)
    covered = covered_segments(live)
    sql = recompute_sql(plan, restricted=ids is not None, moves_day=roll != base, leaves_some=covered is not None)
    params: dict[str, Any] = {
        "tenant": tenant.pk,
        "as_of": run.as_of,
        "zone": tenant.timezone,
        "minor_units": 10 ** digits(tenant.currency),
        "facts_day": date.min,
        "version": one.version_id,
        "now": now,
        "roll": roll,
        "ids": ids,
        "others": [other.version_id for other in others],
        "base": base,
        "covered": covered,
        **plan.params,
    }
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        accounts, scored, changed, written = cursor.fetchone()
    run.statement_ms += (time.perf_counter() - began) * 1000
    run.accounts += accounts
    run.scored += scored
    run.changed += changed
    run.written += written
    run.model_versions[one.model.key] = one.number


def _remember(state: ScoringState | None, run: Run, *, now: datetime, full: bool, roll: date) -> None:
    """Notes where scoring stands, and leaves the row alone when nothing moved."""
    if state is None:
        ScoringState.objects.create(as_of=run.as_of, rolled_on=roll, full_run_at=now if full else None, changed_at=now)
        return
    as_of = run.as_of if full else state.as_of
    late = full and (state.full_run_at is None or now - state.full_run_at > timedelta(hours=20))
    if run.written or (as_of, roll) != (state.as_of, state.rolled_on) or late:
        state.as_of, state.rolled_on = as_of, roll
        state.full_run_at = now if full else state.full_run_at
        state.changed_at = now if run.written else state.changed_at
        state.save(update_fields=["as_of", "rolled_on", "full_run_at", "changed_at"])


def _note(run: Run, *, actor: Actor, now: datetime) -> None:
    """A full run that moved anything is in the trail."""
    if not run.changed:
        return
    after = {"as_of": run.as_of, "accounts": run.accounts, "changed": run.changed, "versions": run.model_versions}
    aside = {"set_aside": run.set_aside} if run.set_aside else {}
    audit.record(actor=actor, at=now, verb="scored", subject_type="health.score", after=after | aside)


def _no_model(key: str | None, live: Sequence[LiveModel]) -> str:
    if key is None:
        return "This workspace has no published score model. Publish one, then run again."
    return f"No published score model '{key}'. Published: {', '.join(one.model.key for one in live) or 'none'}."
