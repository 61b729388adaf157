"""What the shell completes from the platform: uids, centres, models, templates. It never fails and never asks anything.

Somebody who is not signed in, or whose platform does not answer, gets no completions instead of an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from huisuan.base.errors import HuisuanError
from huisuan.client import Client, connect

_OFFERED = 200


def _completed(incomplete: str, ask: Callable[[Client], Iterable[str]]) -> list[str]:
    try:
        with connect() as client:
            return [word for word in ask(client) if word.startswith(incomplete)]
    except (HuisuanError, OSError):
        return []


def job_uids(incomplete: str) -> list[str]:
    """The uids of the newest jobs."""
    return _completed(incomplete, lambda client: [job.uid for job in client.jobs(limit=_OFFERED).items])


def centre_codes(incomplete: str) -> list[str]:
    """The codes of the centres."""
    return _completed(incomplete, lambda client: [centre.code for centre in client.centres()])


def model_names(incomplete: str) -> list[str]:
    """The models of card that the centres have."""
    return _completed(
        incomplete, lambda client: sorted({pool.model for centre in client.centres() for pool in centre.pools})
    )


def template_names(incomplete: str) -> list[str]:
    """The firm's templates."""
    return _completed(incomplete, lambda client: [template.name for template in client.templates()])
