"""Every address of the platform: the pages, and the API under /api/v1."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from huisuan.api.assembly import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("", include("huisuan.portal.urls")),
]
