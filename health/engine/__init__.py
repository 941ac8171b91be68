"""From a published score model to one set-based SQL statement. Writes text only; nothing here touches a database."""

from health.engine.compiler import Plan, compile_model
from health.engine.judging import ARR_THEN, CUSTOMER_THEN, judged_ctes, moments_sql
from health.engine.last_days import last_days_sql
from health.engine.sources import SOURCES, FactColumn, FactColumns, measure_keys
from health.engine.statement import backfill_sql, recompute_sql

__all__ = [
    "ARR_THEN",
    "CUSTOMER_THEN",
    "SOURCES",
    "FactColumn",
    "FactColumns",
    "Plan",
    "backfill_sql",
    "compile_model",
    "judged_ctes",
    "last_days_sql",
    "measure_keys",
    "moments_sql",
    "recompute_sql",
]
