"""That the platform was restored from a backup, and is behind its agents until somebody has looked."""

from __future__ import annotations

from django.db import models


class Restoration(models.Model):
    """One restore. Until it is released, what waited then is not placed, and what agents run unknown is not ended."""

    backup_made_at = models.DateTimeField()
    restored_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.backup_made_at:%Y-%m-%d %H:%M}"
