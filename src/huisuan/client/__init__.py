"""The typed HTTP client that the command line, scripts and the agent share.

from huisuan.client import Client, connect

with connect() as platform:                     # where `huisuan login` signed in, else the one running here
    job = platform.submit_job(["python", "train.py"], cards=8, model="910B3")
    print(platform.wait(job.uid).state)

Public Python (docs/reference/compatibility.md). Other rooms import from here and not from the modules inside; a
contract in pyproject.toml keeps it so.
"""

from __future__ import annotations

from huisuan.client.client import Client, ClientError
from huisuan.client.credentials import INSTANCE_FILE, Instance, connect, running_here
from huisuan.client.fetch import Fetcher, FetchReport, FileSource
from huisuan.client.transport import error_code

__all__ = [
    "INSTANCE_FILE", "Client", "ClientError", "FetchReport", "Fetcher", "FileSource", "Instance", "connect",
    "error_code", "running_here",
]  # fmt: skip
