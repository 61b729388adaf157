"""The typed HTTP client that the command line, scripts and the agent share.

from huisuan.client import Client, connect

with connect() as platform:                     # where `huisuan login` signed in, else the one running here
    job = platform.submit_job(["python", "train.py"], cards=8, model="910B3")
    print(platform.wait(job.uid).state)
"""

from __future__ import annotations

from huisuan.client.client import Client, ClientError
from huisuan.client.credentials import connect

__all__ = ["Client", "ClientError", "connect"]
