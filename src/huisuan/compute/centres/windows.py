"""What maintenance windows shut: which partitions of a centre take work, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from huisuan.compute.models import MaintenanceWindow, Partition

#: a partition with a window that begins within so long takes no new work where another of its model has none
SOON = timedelta(days=7)


@dataclass(frozen=True)
class CentreWindows:
    """The windows of one centre that are not over, the first first."""

    windows: Sequence[MaintenanceWindow] = field(default_factory=tuple)

    def of_partition(self, name: str) -> list[MaintenanceWindow]:
        """Those in which a partition is shut; of a job without a partition those of any."""
        return [each for each in self.windows if not each.partitions or not name or name in each.partitions]

    def in_the_way(self, partition: str, begins: datetime, ends: datetime) -> MaintenanceWindow | None:
        """The first window that work in a partition would reach into if it ran from `begins` until `ends`."""
        return next((w for w in self.of_partition(partition) if w.starts_at < ends and begins < w.ends_at), None)

    def open_partitions(self, partitions: Sequence[Partition], now: datetime) -> list[Partition]:
        """Of partitions of one model those that take work: those without a window soon, or all if every one has one.

        All jobs of a model go to one partition, so that what holds for one of these must hold for each: a job may run
        where no window of any of them is in the way (`shut`).
        """
        spared = [
            each for each in partitions if not any(w.starts_at < now + SOON for w in self.of_partition(each.name))
        ]
        return spared or list(partitions)

    def shut(self, partitions: Sequence[Partition]) -> tuple[tuple[int, int], ...]:
        """When these partitions are shut: from, until, in whole seconds since 1970."""
        found = {
            (int(w.starts_at.timestamp()), -int(-w.ends_at.timestamp() // 1))
            for each in partitions
            for w in self.of_partition(each.name)
        }
        return tuple(sorted(found))


NO_WINDOWS = CentreWindows()


def load_windows(now: datetime, centre: int | None = None) -> Mapping[int, CentreWindows]:
    """The windows that are not over nor cancelled, by the centre's primary key; one query."""
    rows = MaintenanceWindow.objects.filter(ends_at__gt=now, cancelled_at__isnull=True)
    if centre is not None:
        rows = rows.filter(centre=centre)
    found: dict[int, list[MaintenanceWindow]] = {}
    for window in rows.order_by("starts_at", "pk"):
        found.setdefault(window.centre_id, []).append(window)
    return {key: CentreWindows(windows) for key, windows in found.items()}
