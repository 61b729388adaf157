"""The peer of bench/bulletins.py: the same cells in tau-Argus (`pytauargus`), in an environment of its own.

Reads from stdin, as JSON, rows of period, city, kind, firm and amount, which of these dimensions there are, and how
many minutes may be taken. Rules as near as its grammar has them: fewer than three contributors, one with 75%, two with
85%, an estimate within 10%; the optimum by HiGHS. Prints the version, seconds of processor time and by the clock, and
the cells that it hides, `all` for a total.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from typing import Any

import pandas as pd
from pytauargus import protect

_RULES = "NK(1,75)|NK(2,85)|P(10,1)|FREQ(3,10)"


def main() -> None:
    """Protect as stdin says."""
    asked: dict[str, Any] = json.load(sys.stdin)
    rows = pd.DataFrame(asked["rows"], columns=["period", "city", "kind", "firm", "amount"])
    processor, clock = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # its solver leaves logs wherever it stands
        done = protect(
            rows[[*asked["dimensions"], "amount"]].astype({"amount": float}), asked["dimensions"], response="amount",
            safety_rules=_RULES, suppress=f"OPT(1,{asked['minutes']})", workdir=folder, totcode="all",
        )  # fmt: skip
        table = done.tables[0]
        names, safe = table.dataframe()[asked["dimensions"]].values.tolist(), list(table.safe(None))
        os.chdir("/")
    hidden = [key for key, value in zip(names, safe, strict=True) if value is None or value != value]
    spent = time.process_time() - processor, time.perf_counter() - clock
    said = {"version": version("pytauargus"), "processor_s": spent[0], "clock_s": spent[1], "hidden": hidden}
    print("\n" + json.dumps(said))


if __name__ == "__main__":
    main()
