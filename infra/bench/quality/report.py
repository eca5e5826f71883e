"""What a run leaves behind: tables, results.json, cases.csv, and the tables in a page."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from quality import split, table
from quality.budgets import Budget, budgets
from quality.run import Outcome

BEGIN, END = "<!-- results:", "<!-- end of results -->"


def tables(outcomes: Sequence[Outcome]) -> str:
    """All that can be said of the outcomes, a chapter for each half."""
    chapters = []
    for half in split.HALVES:
        mine = [outcome for outcome in outcomes if outcome.half == half]
        if not mine:
            continue
        chapters.append(f"### The {half} half")
        cut_out = [outcome for outcome in mine if outcome.background == "alpha"]
        if cut_out and "iou" in cut_out[0].scores["engine"]:
            chapters.append(table.volumes(cut_out))
        if cut_out and len(cut_out[0].scores["engine"]) > 1:
            chapters += [table.statistics(cut_out), table.classes(cut_out)]
        if len(cut_out) != len(mine):
            chapters.append(table.behind(mine))
    return "\n\n".join(chapters)


def verdict(found: Sequence[Budget]) -> str:
    """The budgets and whether they are met."""
    rows = [["budget", "figure", "at least", "met"]]
    rows += [
        [budget.what, f"{budget.figure:.3f}", f"{budget.least:.3f}", "yes" if budget.met else "**no**"]
        for budget in found
    ]
    return table.markdown(rows)


def save(outcomes: Sequence[Outcome], half: str, folder: Path) -> None:
    """Writes results.json and cases.csv into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [{**asdict(budget), "met": budget.met} for budget in budgets(outcomes, half)]
    content = {"budgets": found, "cases": [asdict(outcome) for outcome in outcomes]}
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        about = [column.name for column in fields(Outcome) if column.name != "scores"]
        writer.writerow([*about, "method", "metric", "score"])
        for outcome in outcomes:
            values = [getattr(outcome, name) for name in about]
            for method, scores in outcome.scores.items():
                for metric, score in scores.items():
                    writer.writerow([*values, method, metric, f"{score:.5f}"])


def put_into(page: Path, text: str) -> None:
    """Replaces what stands between the page's comment lines. Raises ValueError where they are missing."""
    content = page.read_text()
    begin = content.find(BEGIN)
    end = content.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"{page} has no lines {BEGIN} … --> and {END}")
    first = content.index("\n", begin) + 1
    page.write_text(f"{content[:first]}\n{text}\n\n{content[end:]}")
