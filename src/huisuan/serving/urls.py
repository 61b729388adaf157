"""Every address of the platform: the pages, and the API under /api/v1."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
