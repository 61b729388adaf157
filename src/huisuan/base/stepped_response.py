"""An answer that is made in steps: a file that lies at a centre, or one that may be taken back while it is sent.

The front sends it without holding a thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.http import StreamingHttpResponse

#: pieces of an answer; None: nothing yet
AnswerSteps = Iterator[bytes | None]
_PAUSE_SECONDS = 0.1


class SteppedResponse(StreamingHttpResponse):
    """An answer made in steps; under a server that does not know of them, a thread waits where a step gives nothing.

    `reader` is who gets it: nobody has many under way at once.
    """

    def __init__(self, steps: AnswerSteps, content_type: str, reader: str) -> None:
        super().__init__(_waiting(steps), content_type=content_type)
        self.steps, self.reader = steps, reader


def _waiting(steps: AnswerSteps) -> Iterator[bytes]:
    for step in steps:
        if step is None:
            time.sleep(_PAUSE_SECONDS)
        else:
            yield step
