"""What the shell completes from the platform: uids, centres, models, templates. It never fails and never asks anything.

Somebody who is not signed in, or whose platform does not answer, gets no completions: no error, and no terminal that
hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from huisuan.base.errors import HuisuanError
from huisuan.client import Client, connect

_OFFERED = 200
_PATIENCE = 2.0  # seconds: whoever pressed Tab waits


def complete_from(incomplete: str, ask: Callable[[Client], Iterable[str]]) -> list[str]:
    """Of what the platform answers, what begins with the word that is being typed; nothing where it does not answer."""
    try:
        with connect(_PATIENCE) as client:
            return [word for word in ask(client) if word.startswith(incomplete)]
    except (HuisuanError, OSError):
        return []


def job_uids(incomplete: str) -> list[str]:
    """The uids of the newest jobs."""
    return complete_from(incomplete, lambda client: [job.uid for job in client.jobs(limit=_OFFERED).items])


def job_sources(incomplete: str) -> list[str]:
    """The uids of the newest jobs with the colon that a path follows: what `huisuan job cp` copies from."""
    return [] if ":" in incomplete else [f"{uid}:" for uid in job_uids(incomplete)]


def centre_codes(incomplete: str) -> list[str]:
    """The codes of the centres."""
    return complete_from(incomplete, lambda client: [centre.code for centre in client.centres()])


def model_names(incomplete: str) -> list[str]:
    """The models of card that the centres have."""
    return complete_from(
        incomplete, lambda client: sorted({pool.model for centre in client.centres() for pool in centre.pools})
    )


def template_names(incomplete: str) -> list[str]:
    """The firm's templates."""
    return complete_from(incomplete, lambda client: [template.name for template in client.templates()])
