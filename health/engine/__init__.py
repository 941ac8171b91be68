"""From a published score model to one set-based SQL statement. Writes text only; nothing here touches a database."""

from health.engine.compiler import Plan, compile_model
from health.engine.sources import SOURCES, measure_keys
from health.engine.statement import backfill_sql, recompute_sql

__all__ = ["SOURCES", "Plan", "backfill_sql", "compile_model", "measure_keys", "recompute_sql"]
