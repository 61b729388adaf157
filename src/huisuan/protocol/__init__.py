"""What client, agent and platform exchange: resources, placements, usage lines, hash chains, signatures. No I/O.

One module for each subject, each imported by its name (`protocol.agent`, `protocol.batch_chain` ...): a message has no
inside to hide. Everything here goes over the wire: docs/reference/compatibility.md says what may change.
"""
