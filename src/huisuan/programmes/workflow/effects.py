"""What a step sets off in other rooms (money set aside, experts drawn), in the transaction of the step.

One table, read top to bottom; no signals. An effect gets the steps of one act, all of one action, and refuses by
raising: then nothing of the act stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from huisuan.programmes.models import ApplicationStep

Effect: TypeAlias = Callable[[Sequence[ApplicationStep]], None]

#: action -> what it sets off, in this order
STEP_EFFECTS: Mapping[str, tuple[Effect, ...]] = {}
