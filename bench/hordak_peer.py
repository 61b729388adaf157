"""The peer of bench/treasury.py: the same commitments in django-hordak, in an environment of its own.

Reads from stdin, as JSON, Django's settings of an empty database, how many writers there are, how often each commits,
how much is committed each time and how much there is, in fen, and the server's process id. A writer looks at the
balance and moves what it has room for, in one transaction, as hordak's own documentation moves money. Prints seconds by
the clock and of processor time, how many were moved, and what is left in fen. Preparing the database is not measured.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import django
from django.conf import settings
from server_time import processor_s


def main() -> None:
    """Commit as stdin says."""
    asked = json.load(sys.stdin)
    settings.configure(
        DATABASES={"default": asked["database"]}, DEFAULT_CURRENCY="CNY", CURRENCIES=["CNY"], HORDAK_CURRENCIES=["CNY"],
        HORDAK_INTERNAL_CURRENCY="CNY", HORDAK_DECIMAL_PLACES=2, HORDAK_MAX_DIGITS=15, USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
    )  # fmt: skip
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(json.dumps(measure(asked)))


def measure(asked: dict[str, Any]) -> dict[str, Any]:
    """Seconds, moved, left."""
    from django.db import connection, transaction
    from hordak.models import Account
    from moneyed import Money

    def fen(number: int) -> Money:
        return Money(Decimal(number) / 100, "CNY")

    source, available, committed = (
        Account.objects.create(name=name, code=str(at), type="LI", currencies=["CNY"])
        for at, name in enumerate(("source", "available", "committed"), start=1)
    )
    # from one liability to another: the first grows, the second shrinks
    available.transfer_to(source, fen(asked["room_fen"]))
    amount, moved = fen(asked["fen"]), [0] * asked["writers"]
    gate = threading.Barrier(asked["writers"])

    def write(writer: int) -> None:
        gate.wait()
        for _ in range(asked["each"]):
            with transaction.atomic():
                if available.get_balance()["CNY"] >= amount:
                    committed.transfer_to(available, amount)
                    moved[writer] += 1
        connection.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(asked["writers"])]
    began, own = time.perf_counter(), processor_s(asked["server"])
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent, own = time.perf_counter() - began, processor_s(asked["server"]) - own
    left = int(available.get_balance()["CNY"].amount * 100)
    return {
        "clock": spent, "moved": sum(moved), "left_fen": left, "processor_s": own, "version": version("django-hordak"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
