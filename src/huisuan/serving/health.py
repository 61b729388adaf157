"""Whether the platform is well, for supervisors and load balancers."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from huisuan import __version__
from huisuan.parties.route_access import public_page
from huisuan.serving import disk


@public_page
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the web and its database answer; 503 when the database does not, or the disk is nearly full."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "no database", "version": __version__}, status=503)
    if where := disk.find_full_disk():
        return JsonResponse({"status": "disk full", "disk": where, "version": __version__}, status=503)
    return JsonResponse({"status": "ok", "version": __version__})
