"""How large a centre is: claimed by it, seen by its agent, used in its records, measured by a job.

`capacity` adds up, `attestation` has cards measured; `attestation_program.py` runs at the centre, with nothing of
Huisuan.
"""
