"""Accounting files with what users wrote in them, in each form: shared by the tests of forged imports."""

from __future__ import annotations

import json
from typing import Any

from huisuan.compute.sacct.export import new_delimiter
from support.usage_records import HEADER, line

NAMED = f"{HEADER}|JobName"
HOUR = 28_800  # card-seconds of the ordinary line: an hour of eight cards


def job(number: int, name: str = "train", **fields: object) -> dict[str, str]:
    """An ordinary line with the job's name."""
    return line(number, JobName=name, **fields)


def plain(*jobs: dict[str, str], header: str = NAMED) -> bytes:
    """As `sacct -P` prints them: names raw."""
    return delimited(*jobs, header=header, delimiter="|")


def delimited(*jobs: dict[str, str], header: str = NAMED, delimiter: str | None = None) -> bytes:
    """As the printed command prints them: names raw, between delimiters that nobody knew."""
    between = delimiter or new_delimiter()
    names = header.split("|")
    rows = [between.join(names), *(between.join(each[name] for name in names) for each in jobs), ""]
    return "\n".join(rows).encode("utf-8", "surrogateescape")


def forged(job: object = 66666, **fields: object) -> str:
    """A line as a user writes it into a name: ten days on another's account."""
    said = {"User": "bob", "Account": "victim", "Start": "2024-03-02T00:00:00", "End": "2024-03-12T00:00:00"}
    made = line(job, JobName="y", **(said | fields))
    return "|".join(made[name] for name in NAMED.split("|"))


def as_json(*jobs: dict[str, Any]) -> bytes:
    """As `sacct --json` prints them."""
    return json.dumps({"meta": {}, "errors": [], "jobs": list(jobs)}, indent=2).encode()
