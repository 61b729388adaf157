"""Every address of the platform: the pages, the API under /api/v1, and the agents' own under /api/agent/v1."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from huisuan.api.assembly import api
from huisuan.compute.agent_gateway.api import api as agent_api
from huisuan.serving.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("api/agent/v1/", agent_api.urls),
    path("", include("huisuan.portal.urls")),
]

handler500 = "huisuan.serving.http.errors.server_error"
