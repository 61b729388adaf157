"""The register of all centres and months, for everybody to keep: who holds an old one can tell a new one apart."""

from __future__ import annotations

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from huisuan.base.errors import Refused
from huisuan.compute.metering.seals.register import register_file
from huisuan.parties.route_access import public_page


@public_page
@require_safe
def register_download(request: HttpRequest) -> HttpResponse:
    """The register as a file, as `huisuan meter verify --register` reads it."""
    try:
        found = register_file()
    except Refused:
        raise Http404 from None
    newest = json.loads(found["entries"][-1]["statement"])["month"]
    answer = HttpResponse(json.dumps(found, ensure_ascii=False, indent=1), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="register-{newest}.json"'
    return answer
