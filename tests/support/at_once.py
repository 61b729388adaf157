"""Acts that begin together, each on a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What became of each act: its result, or the refusal."""
    gate, results = threading.Barrier(len(acts)), [None] * len(acts)

    def does(number: int) -> None:
        gate.wait()
        try:
            results[number] = acts[number]()  # type: ignore[call-overload]
        except Exception as error:
            results[number] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=does, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)
