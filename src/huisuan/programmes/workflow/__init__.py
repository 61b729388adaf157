"""One lifecycle for every programme: applications begin under an edition of their procedure and move by steps.

`act` and `act_on_many` are the only way in which an application moves: pages, API and command line call them. What a
step sets off in other rooms stands in `effects`. The database refuses by itself what is no step of the procedure.
"""

from huisuan.programmes.workflow.act import ActOutcome, act, act_on_many
from huisuan.programmes.workflow.begin import begin_application, begin_applications, store_edition
from huisuan.programmes.workflow.history import find_breaks, replay_state

__all__ = [
    "ActOutcome", "act", "act_on_many", "begin_application", "begin_applications", "find_breaks", "replay_state",
    "store_edition",
]  # fmt: skip
