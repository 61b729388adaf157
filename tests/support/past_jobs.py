"""A past told to a `History` moment by moment, as the simulator does."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.compute.placement.runtime_predictor import History, Told


def lived(jobs: Sequence[Told], fitted_s: int) -> History:
    """The history that saw these jobs come, begin and end, with a line fitted then; each ran for a second at least."""
    moments = [
        moment
        for number, job in enumerate(jobs)
        for moment in ((job.came_s, 1, number), (job.began_s, 2, number), (job.ended_s, 0, number))
    ]
    history = History()
    for at_s, order, number in sorted(moments):
        job = jobs[number]
        if order == 0:
            history.ended(str(number), at_s)
        elif order == 1:
            history.came(str(number), job.user, job.cards, at_s)
        else:
            history.began(str(number), job.user, job.cards, at_s)
    history.fit(fitted_s)
    return history
