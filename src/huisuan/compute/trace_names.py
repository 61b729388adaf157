"""What the columns of public GPU traces are called: one list for who imports them and who replays them."""

from __future__ import annotations

#: as in the traces of Philly, Helios, Venus, Acme and Alibaba's openb
KNOWN_NAMES = {
    "job": ("job_id", "jobid", "job"),
    "user": ("user", "user_id", "username"),
    "account": ("vc", "virtual_cluster", "cluster", "account"),
    "submit": (
        "submit_time", "timestamp", "submit_s", "submit", "submitted", "submitted_at", "submission_time",
        "creation_time",
    ),
    "start": ("start_time", "start_s", "start", "started", "started_at", "scheduled_time"),
    "end": ("end_time", "end_s", "end", "ended", "ended_at", "finish_time", "deletion_time"),
    "duration": ("duration", "duration_s", "run_time", "runtime"),
    "cards": ("num_gpus", "gpu_num", "gpus", "cards", "num_gpu", "gpu_count"),
    "state": ("state", "status", "pod_phase"),
}  # fmt: skip
LIMIT_NAMES = ("time_limit", "timelimit", "limit_s", "requested_time")
MODEL_NAMES = ("gpu_spec",)
