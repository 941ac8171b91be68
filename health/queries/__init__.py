"""Reads of scores. What other apps may rely on:

- `current_scores(account_ids)` → {account id: CurrentScore}; accounts that were never scored are absent
- `sparklines(account_ids, until=day, weeks=26)` → {account id: [score or None] × weeks}, oldest first; one statement
- `changes_30d(account_ids, as_of=day)` → {account id: points}; absent where one of the two moments has no score
- `portfolio_trend(until=day, weeks=52, segment="", owner_id=None)` → Trend(points, markers, imported_until)
- `band_changes(since=day, until=day, …)` → net accounts and ARR per band between two days, from the roll-up
- `portfolio_now(segment="", owner_id=None)` → the TrendPoint that the current scores add up to, or None
- `explain(account_id, since=day, since_days=n, on=day)` → Explanation or None before the first score
- `freshness(tenant, now)` → Freshness(as_of, computed_at, data_ends, is_late); what the stamp says
- `scoring_day(tenant_id, today)` → the day that windows end on: today, or the last day of a workspace whose data ended
"""

from health.queries.explanation import Explained, Explanation, explain, score_series
from health.queries.live import live_models
from health.queries.page import HealthPage, health_page
from health.queries.scores import CurrentScore, changes_30d, current_scores, sparklines, stored_on
from health.queries.state import Freshness, freshness, scoring_day
from health.queries.trend import BandChange, Marker, Trend, TrendPoint, band_changes, portfolio_now, portfolio_trend

__all__ = [
    "BandChange",
    "CurrentScore",
    "Explained",
    "Explanation",
    "Freshness",
    "HealthPage",
    "Marker",
    "Trend",
    "TrendPoint",
    "band_changes",
    "changes_30d",
    "current_scores",
    "explain",
    "freshness",
    "health_page",
    "live_models",
    "portfolio_now",
    "portfolio_trend",
    "score_series",
    "scoring_day",
    "sparklines",
    "stored_on",
]
