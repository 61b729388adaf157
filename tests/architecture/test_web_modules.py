"""Requests and answers stay at the door: what counts, decides or stores knows no HTTP."""

from __future__ import annotations

import ast

from support.source_tree import ROOT, Module, modules

ROOMS = ("api/", "portal/")
#: beside every room's own `api`: who is asked, from where, how much, and how the server itself answers
DOORS = {
    "base/stepped_response.py",
    "compute/jobs/leaving_api.py",
    "compute/jobs/desk_api.py",
    "compute/jobs/preview_api.py",
    "opendata/access/delivering.py",
    "opendata/corpora/delivering.py",
    "parties/api_errors.py",
    "parties/identity/client_address.py",
    "parties/identity/sessions.py",
    "parties/input_limits.py",
    "parties/members_api.py",
    "programmes/registers/grants_api.py",
    "parties/route_access.py",
    "serving/health.py",
    "serving/http/errors.py",
    "serving/http/limits.py",
    "serving/http/middleware.py",
}


def speaks_http(module: Module) -> bool:
    """Whether a module imports the web's requests and answers: ninja, or django.http."""
    found: list[str] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return any(f"{name}.".startswith(("ninja.", "django.http.")) for name in found)


def test_only_api_pages_and_the_doors_named_here_speak_http() -> None:
    speaking = {module.path.relative_to(ROOT).as_posix() for module in modules() if speaks_http(module)}
    inside = {
        name for name in speaking if not name.startswith(ROOMS) and not name.endswith("/api.py") and "/api/" not in name
    }
    assert inside == DOORS
