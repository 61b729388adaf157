"""Every address of the platform: the pages, the API under /api/v1, the agents' own, and CKAN's actions."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from huisuan.api.assembly import api
from huisuan.compute.agent_gateway.api import api as agent_api
from huisuan.opendata.ckan.api import ckan_action
from huisuan.serving.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("api/agent/v1/", agent_api.urls),
    path("api/action/<str:name>", ckan_action, name="ckan-action"),
    path("api/3/action/<str:name>", ckan_action, name="ckan-action-3"),
    path("", include("huisuan.portal.urls")),
]

handler500 = "huisuan.serving.http.errors.server_error"
