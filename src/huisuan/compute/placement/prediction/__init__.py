"""Predicted runtimes of jobs: features of a job's peers, a ridge regression over them, what follows from a prediction.

Used by the simulator and by `dispatch`; rests on `placement`, which knows nothing of it. Without Django.
"""

from huisuan.compute.placement.prediction.features import (
    FEATURES_VERSION,
    PEERS_KEPT,
    RuntimeSample,
    log2_seconds,
)
from huisuan.compute.placement.prediction.ridge_model import RidgeModel
from huisuan.compute.placement.prediction.runtime_predictor import (
    CompletedJob,
    RuntimePredictor,
    fit_completed,
    revised_estimate_s,
    upper_bound_s,
)

__all__ = [
    "FEATURES_VERSION",
    "PEERS_KEPT",
    "CompletedJob",
    "RidgeModel",
    "RuntimePredictor",
    "RuntimeSample",
    "fit_completed",
    "log2_seconds",
    "revised_estimate_s",
    "upper_bound_s",
]
