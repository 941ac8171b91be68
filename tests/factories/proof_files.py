"""Two files, signals and outcomes: usage and satisfaction tell the lost from the kept, and one measure does not."""

import csv
import random
from datetime import date, timedelta
from math import exp
from pathlib import Path

MODEL = """\
kind: score_model
key: standard
name: Retention
applies_to: all
bands: {red: 0, yellow: 50, green: 70}
min_coverage: 0.5
inputs:
- key: logins
  name: Logins
  measure: logins
  window_days: 90
  aggregate: mean
  mapping: {linear: {worst: 0, best: 40}}
  weight: 34
  missing: exclude
- key: csat
  name: Satisfaction
  measure: csat
  window_days: 90
  aggregate: mean
  mapping: {linear: {worst: 1, best: 5}}
  weight: 33
  missing: exclude
- key: colour
  name: Colour of the office
  measure: colour
  window_days: 90
  aggregate: mean
  mapping: {linear: {worst: 0, best: 10}}
  weight: 33
  missing: exclude
"""
LEAD = 90


def proof_files(folder: Path, *, today: date, accounts: int = 420, seed: int = 7) -> tuple[Path, Path, Path]:
    """The paths of signals.csv, outcomes.csv and model.yaml. Outcomes lie in the two years before `today`."""
    chance = random.Random(seed)
    signals, outcomes = [], []
    for number in range(accounts):
        name = f"Fictional {number:04}"
        ended = today - timedelta(days=30 + (number * 700) // accounts)
        health = chance.random()
        lost = chance.random() < 1 / (1 + exp(9 * (health - 0.32)))
        before = [ended - timedelta(days=LEAD + back) for back in (10, 35, 60)]
        for day in [*before, *([] if lost else [today - timedelta(days=5)])]:
            logins = max(0.0, 40 * health + chance.gauss(0, 6))
            csat = min(5.0, max(1.0, 1 + 4 * health + chance.gauss(0, 0.8)))
            signals.append([name, day, round(logins, 1), round(csat, 2), round(chance.uniform(0, 10), 1)])
        outcomes.append([name, ended, "churned" if lost else "renewed"])
    paths = folder / "signals.csv", folder / "outcomes.csv", folder / "model.yaml"
    _write(paths[0], ["account", "date", "logins", "csat", "colour"], signals)
    _write(paths[1], ["account", "date", "outcome"], outcomes)
    paths[2].write_text(MODEL)
    return paths


def _write(path: Path, head: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
