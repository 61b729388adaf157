"""Interactive sessions: JupyterLab, VS Code or a shell that runs as a job and is reached through the platform.

`node` runs at the centre (standard library only, part of the job's script), `relay` is the platform's process between
browsers and the agents' tunnels, the rest starts, opens and ends sessions. Imported by serving, portal, cli and api.
"""
