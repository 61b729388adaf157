"""A year read again by other means: the mass reading of the law over what was handed in, and the books."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from huisuan.base.months import SHANGHAI
from huisuan.law.model import to_json
from huisuan.law.policy import Policy
from huisuan.law.sql.compute_file import compute_file
from huisuan.programmes.decision_sheets.records import sheet_lines_of
from huisuan.programmes.models import Application, ApplicationSubmission, Award
from huisuan.programmes.submissions.content import submitted_values


@dataclass(frozen=True)
class ProvedAward:
    """An award beside what the law owes by its mass reading, both in fen; `funded` is what a decision sheet left."""

    number: str
    granted_fen: int
    owed_fen: int | None
    funded_fen: int | None

    @property
    def holds(self) -> bool:
        """Granted is what the law owes, or what the sheet left of it."""
        owed = self.owed_fen or 0
        return self.granted_fen == (owed if self.funded_fen is None else min(owed, self.funded_fen))


def prove_awards(policy: Policy, year: int) -> list[ProvedAward]:
    """Every first award of a year's calls, computed again from its submission on DuckDB, many at once."""
    held = Application.objects.filter(edition__policy=policy.name, year=year, call__isnull=False, awards__isnull=False)
    applications = {one.pk: one for one in held.select_related("call").distinct()}
    made = ApplicationSubmission.objects.filter(application__in=applications).select_related("application__edition")
    last = made.order_by("application_id", "-version").distinct("application_id")
    granted = dict(
        Award.objects.filter(application__in=applications)
        .order_by("application_id", "pk").distinct("application_id").values_list("application_id", "amount_fen")
    )  # fmt: skip
    funded = {pk: line.funded_fen for pk, line in sheet_lines_of(list(applications.values())).items()}
    owed = _mass_reading(policy, last)
    return [
        ProvedAward(one.number, granted[pk], owed.get(pk), funded.get(pk))
        for pk, one in sorted(applications.items())
    ]  # fmt: skip


def _mass_reading(policy: Policy, submissions: Iterable[ApplicationSubmission]) -> dict[int, int | None]:
    """What the law owes for each submission, by application, in fen: one file for each rule and day."""
    by_law: dict[tuple[str, date, date], list[ApplicationSubmission]] = defaultdict(list)
    for made in submissions:
        known = made.at.astimezone(SHANGHAI).date()
        by_law[made.application.edition.key, made.read_on, known].append(made)
    found: dict[int, int | None] = {}
    with TemporaryDirectory() as folder:
        for (key, on, known), group in by_law.items():
            source, target = Path(folder) / "facts.csv", Path(folder) / "answers.csv"
            rule = policy.rule(key)
            _write_facts(source, [spec.name for spec in rule.facts], {one.application_id: one for one in group})
            compute_file(policy, rule, source, target, on=on, as_known=known)
            with target.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    found[int(row["application"])] = int(row["amount_fen"]) if row["amount_fen"] else None
            target.unlink()
    return found


def _write_facts(path: Path, names: list[str], submissions: Mapping[int, ApplicationSubmission]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["application", *names])
        for pk, made in submissions.items():
            _, _, values = submitted_values(made)
            cells = {name: "" if value is None else str(to_json(value)) for name, value in values.items()}
            rows.writerow([pk, *(cells.get(name, "") for name in names)])
