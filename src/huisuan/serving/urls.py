"""Every address of the platform: the pages, and the API under /api/v1."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from huisuan.api.assembly import api
from huisuan.serving.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("", include("huisuan.portal.urls")),
]
