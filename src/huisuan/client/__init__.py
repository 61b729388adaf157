"""The typed HTTP client that the command line, scripts and the agent share.

from huisuan.client import Client, connect

with connect() as platform:                     # where `huisuan login` signed in, else the one running here
    job = platform.submit_job(["python", "train.py"], cards=8, model="910B3")
    print(platform.wait(job.uid).state)
"""

from __future__ import annotations

from huisuan.client.connection import connect
from huisuan.client.http import Client, ClientError

__all__ = ["Client", "ClientError", "connect"]
