"""Slurm's job states by what they mean for accounting: over, still holding resources, not started. Pure.

Names as in `man sacct`, JOB STATE CODES.
"""

from __future__ import annotations

SLURM_FINAL_STATES = frozenset({
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "RECONFIG_FAIL", "REQUEUED", "RESIZING", "REVOKED", "TIMEOUT",
})  # fmt: skip
SLURM_LIVE_STATES = frozenset({
    "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "SIGNALING", "STAGE_OUT", "STOPPED", "REQUEUE_FED",
    "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD",
})  # fmt: skip
SLURM_PENDING_STATES = frozenset({"PENDING"})
