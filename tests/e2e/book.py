"""A book of business as five CSV files: the real one where it lies beside the checkout, else one made here like it."""

import csv
import os
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from revops.local.home import CHECKOUT

KINDS = ("accounts", "subscriptions", "feature_usage", "support_tickets", "churn_events")


def book(folder: Path) -> list[Path]:
    """The files in the order in which they are imported."""
    real = Path(os.environ.get("REVOPS_REAL_DATA") or CHECKOUT.parent / "shared" / "data") / "ravenstack"
    if all((real / f"ravenstack_{kind}.csv").is_file() for kind in KINDS):
        return [real / f"ravenstack_{kind}.csv" for kind in KINDS]
    return _made(folder)


def _made(folder: Path, accounts: int = 60) -> list[Path]:
    chance = random.Random(7)
    end = date(2024, 12, 31)
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for number in range(accounts):
        account = f"A-{number:05d}"
        signed = end - timedelta(days=chance.randint(200, 700))
        seats, mrr = chance.randint(5, 90), chance.randint(300, 4000)
        rows["accounts"].append(
            {
                "account_id": account, "account_name": f"Company_{number}", "industry": "Fintech", "country": "DE",
                "signup_date": signed, "referral_source": "event", "plan_tier": "Pro", "seats": seats,
                "is_trial": False, "churn_flag": False,
            }
        )  # fmt: skip
        gone = number % 9 == 0
        last = end - timedelta(days=chance.randint(5, 60)) if gone else ""
        subscription = f"S-{number:05d}"
        rows["subscriptions"].append(
            {
                "subscription_id": subscription, "account_id": account, "start_date": signed, "end_date": last,
                "plan_tier": "Pro", "seats": seats, "mrr_amount": mrr, "arr_amount": mrr * 12, "is_trial": False,
                "upgrade_flag": False, "downgrade_flag": False, "churn_flag": gone, "billing_frequency": "annual",
                "auto_renew_flag": True,
            }
        )  # fmt: skip
        for day in range(0, 180, 3):
            rows["feature_usage"].append(
                {
                    "usage_id": f"U-{number:03d}{day:03d}", "subscription_id": subscription,
                    "usage_date": end - timedelta(days=day), "feature_name": f"feature_{day % 5}",
                    "usage_count": chance.randint(1, 20) * (1 if number % 7 else 1 + day // 30),
                    "usage_duration_secs": chance.randint(60, 6000), "error_count": 0, "is_beta_feature": False,
                }
            )  # fmt: skip
        for ticket in range(chance.randint(0, 12) if number % 7 == 0 else 1):
            opened = end - timedelta(days=ticket * 6 + 1)
            rows["support_tickets"].append(
                {
                    "ticket_id": f"T-{number:03d}{ticket:02d}", "account_id": account, "submitted_at": opened,
                    "closed_at": f"{opened} 12:00:00", "resolution_time_hours": 12.0, "priority": "high",
                    "first_response_time_minutes": 60, "satisfaction_score": 2.0 if number % 7 == 0 else 5.0,
                    "escalation_flag": False,
                }
            )  # fmt: skip
        if gone:
            rows["churn_events"].append(
                {
                    "churn_event_id": f"C-{number:05d}", "account_id": account, "churn_date": last,
                    "reason_code": "features", "refund_amount_usd": 0.0, "preceding_upgrade_flag": False,
                    "preceding_downgrade_flag": False, "is_reactivation": False, "feedback_text": "",
                }
            )  # fmt: skip
    return [_write(folder / f"ravenstack_{kind}.csv", rows[kind]) for kind in KINDS]


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
