"""The figures of a validation report, as plain numbers that can be stored and read again."""

from itertools import pairwise
from typing import Any

import numpy as np

from health.learning.arrays import Flags, Floats, Rows, span
from health.learning.leaks import Flag
from health.learning.separation import DRAWS, DRAWS_OF_MANY, LEVEL, MANY, SEED, Area, Share, alarm, area, auc, lift
from health.rules.minimums import LEAST_KEPT, LEAST_LOSSES, LEAST_OUTCOMES, NEEDED, SIX_MONTHS, enough

LEAST_IN_BAND = 5
GROUPS = 10
THIRDS = (("low", 0.0, 100 / 3), ("middle", 100 / 3, 200 / 3), ("high", 200 / 3, 100.001))
Json = dict[str, Any]


def figures(rows: Rows, *, keys: list[str], labels: list[str]) -> Json:
    """Everything that a report says of scored outcomes. Unscored ones only count against coverage."""
    scored = rows.scored
    n, losses = len(scored), int(scored.lost.sum())
    is_enough = enough(n, losses)
    found = area(scored.score, scored.lost, scored.account) if is_enough else Area(auc(scored.score, scored.lost))
    return {
        "verdict": verdict(found, is_enough=is_enough),
        "auc": found.auc,
        "auc_low": found.low,
        "auc_high": found.high,
        "n": n,
        "events": losses,
        "outcomes": len(rows),
        "scored_share": Share(n, len(rows)).value,
        "coverage": float(scored.coverage.mean()) if n else None,
        "accounts": len(np.unique(scored.account)),
        "minimum": {"outcomes": LEAST_OUTCOMES, "losses": LEAST_LOSSES, "kept": LEAST_KEPT},
        "red": _red(scored),
        "lift_worst_decile": lift(scored.score, scored.lost),
        "bands": _bands(scored),
        "monotone": _is_monotone(scored),
        "reliability": _reliability(scored),
        "segments": _segments(scored),
        "baselines": _baselines(scored, keys),
        "inputs": [_input(scored, at, key, label) for at, (key, label) in enumerate(zip(keys, labels, strict=True))],
        "test_days": span(scored.day),
        "method": _method(len(scored)),
    }


def verdict(found: Area, *, is_enough: bool) -> str:
    """One of the three answers."""
    if not is_enough:
        return "not_enough_data"
    return "predictive" if found.is_above_chance else "not_predictive"


def flags(found: Json) -> list[Flag]:
    """What a reader must know before believing the figures."""
    out = []
    if found["verdict"] == "not_enough_data":
        out.append(
            Flag(
                "not_enough_data",
                f"{found['n']} outcomes with {found['events']} losses had a score; {NEEDED} are needed.",
            )
        )
    elif found["test_days"] < SIX_MONTHS:
        out.append(
            Flag(
                "short_test_window",
                f"Insufficient: nine tenths of the tested outcomes lie within {found['test_days']} days, less than "
                "six months.",
            )
        )
    if found["outcomes"] and found["scored_share"] < 0.8:
        out.append(Flag("low_coverage", f"Only {found['scored_share']:.0%} of the outcomes had a score to test."))
    if found["n"] and not found["red"]["red"]:
        out.append(Flag("no_red", "No account stood in red at its lead date, so red could catch nobody."))
    return out


def live_comparison(rows: Rows, live: Rows) -> Json:
    """The live model on the same outcomes: those that both could score."""
    both = ~np.isnan(rows.score) & ~np.isnan(live.score)
    mine, its = rows.where(both), live.where(both)
    found = area(its.score, its.lost, its.account) if enough(len(its), int(its.lost.sum())) else Area(None)
    return {
        "auc": found.auc,
        "auc_low": found.low,
        "auc_high": found.high,
        "auc_of_this": auc(mine.score, mine.lost) if len(mine) else None,
        "n": len(mine),
        "scored": len(live.scored),
        "red": _red(its),
        "red_of_this": _red(mine),
    }


def _method(n: int) -> Json:
    return {
        "interval": "bootstrap over accounts, percentiles",
        "level": LEVEL,
        "draws": DRAWS if n <= MANY else DRAWS_OF_MANY,
        "seed": SEED,
    }


def _red(rows: Rows) -> Json:
    found = alarm(rows.band, rows.lost)
    return {
        "red": found.red,
        "caught": found.caught,
        "kept": found.kept,
        "lost": found.lost,
        "precision": found.precision,
        "precision_interval": Share(found.caught, found.red).interval,
        "recall": found.recall,
        "recall_interval": Share(found.caught, found.lost).interval,
        "false_alarm_share": found.false_alarm_share,
        "arr_caught": float(rows.arr[(rows.band == "red") & rows.lost].sum()),
        "arr_lost": float(rows.arr[rows.lost].sum()),
    }


def _loss(rows: Rows) -> Json:
    share = Share(int(rows.lost.sum()), len(rows))
    low, high = share.interval
    return {"n": share.whole, "lost": share.part, "loss_rate": share.value, "low": low, "high": high}


def _bands(rows: Rows) -> list[Json]:
    out = []
    for band in ("red", "yellow", "green"):
        here = rows.where(rows.band == band)
        arr, gone = float(here.arr.sum()), float(here.arr[here.lost].sum())
        out.append({"band": band, **_loss(here), "arr": arr, "arr_loss_rate": gone / arr if arr else None})
    return out


def _is_monotone(rows: Rows) -> bool:
    """Whether losses fall from red to green, over the bands with accounts enough to say."""
    rates = [
        float(here.lost.mean())
        for here in (rows.where(rows.band == band) for band in ("red", "yellow", "green"))
        if len(here) >= LEAST_IN_BAND
    ]
    return all(worse >= better for worse, better in pairwise(rates))


def _reliability(rows: Rows) -> list[Json]:
    """Tenths of the outcomes by score, worst first: what they scored and how many were lost."""
    if len(rows) < LEAST_OUTCOMES:
        return []
    order = np.argsort(rows.score, kind="stable")
    out = []
    for part in np.array_split(order, GROUPS):
        here = rows.where(np.isin(np.arange(len(rows)), part))
        out.append({"from": float(here.score.min()), "to": float(here.score.max()), **_loss(here)})
    return out


def _segments(rows: Rows) -> list[Json]:
    out = []
    for segment in np.unique(rows.segment):
        here = rows.where(rows.segment == segment)
        n, losses = len(here), int(here.lost.sum())
        counts = {"segment": str(segment), "n": n, "events": losses}
        if enough(n, losses):
            found = area(here.score, here.lost, here.account)
            out.append({**counts, "auc": found.auc, "auc_low": found.low, "auc_high": found.high, "reason": ""})
        else:
            out.append({**counts, "auc": None, "auc_low": None, "auc_high": None, "reason": "too few"})
    return out


def _baselines(rows: Rows, keys: list[str]) -> Json:
    """What weights must beat: every input alike, and the best input alone (chosen with hindsight, to its favour)."""
    there = ~np.isnan(rows.subs)
    count = there.sum(axis=1)
    equal = np.where(count > 0, np.nan_to_num(rows.subs).sum(axis=1) / np.maximum(count, 1), 50.0)
    best: tuple[float, str] | None = None
    for at, key in enumerate(keys):
        found = auc(np.where(there[:, at], np.nan_to_num(rows.subs[:, at]), 50.0), rows.lost)
        if found is not None and there[:, at].any() and (best is None or found > best[0]):
            best = found, key
    return {
        "equal_weights": {"auc": auc(equal, rows.lost) if len(rows) else None},
        "best_single_input": {"auc": best[0] if best else None, "input": best[1] if best else None},
    }


def _input(rows: Rows, at: int, key: str, label: str) -> Json:
    """One input alone: how well it tells them apart, and how many were lost where it was low, middle or high."""
    there = ~np.isnan(rows.subs[:, at])
    here, sub = rows.where(there), rows.subs[there, at]
    n, losses = len(here), int(here.lost.sum())
    found = area(sub, here.lost, here.account) if enough(n, losses) else Area(None)
    thirds = []
    for name, low, high in THIRDS:
        part = here.where((sub >= low) & (sub < high))
        arr, gone = float(part.arr.sum()), float(part.arr[part.lost].sum())
        thirds.append({"third": name, **_loss(part), "arr": arr, "arr_loss_rate": gone / arr if arr else None})
    return {
        "key": key,
        "label": label,
        "n": n,
        "events": losses,
        "coverage": n / len(rows) if len(rows) else None,
        "auc": found.auc,
        "auc_low": found.low,
        "auc_high": found.high,
        "adjusted": _adjusted(here, sub) if enough(n, losses) else None,
        "thirds": thirds,
    }


def _adjusted(rows: Rows, sub: Floats) -> Json | None:
    """Odds of loss where the input is low against high, adjusted for segment and size of ARR (Mantel-Haenszel)."""
    low, high = sub < THIRDS[0][2], sub >= THIRDS[2][1]
    used = low | high
    if not (low.any() and high.any()):
        return None
    large = rows.arr > np.median(rows.arr[used])
    above = below = first = mixed = last = 0.0
    for segment in np.unique(rows.segment):
        for size in (True, False):
            stratum: Flags = used & (rows.segment == segment) & (large == size)
            n = float(stratum.sum())
            if not n:
                continue
            a, b = float((stratum & low & rows.lost).sum()), float((stratum & low & ~rows.lost).sum())
            c, d = float((stratum & high & rows.lost).sum()), float((stratum & high & ~rows.lost).sum())
            good, bad = a * d / n, b * c / n
            above, below = above + good, below + bad
            first += (a + d) / n * good
            mixed += (a + d) / n * bad + (b + c) / n * good
            last += (b + c) / n * bad
    if not above or not below:
        return None
    spread = (first / (2 * above**2) + mixed / (2 * above * below) + last / (2 * below**2)) ** 0.5
    odds = above / below
    return {
        "odds_ratio": odds,
        "low": float(np.exp(np.log(odds) - 1.96 * spread)),
        "high": float(np.exp(np.log(odds) + 1.96 * spread)),
    }
