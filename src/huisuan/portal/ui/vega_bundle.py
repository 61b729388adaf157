"""The engine that draws charts in the browser: vl-convert's own bundle, served from here like every other file."""

from __future__ import annotations

from functools import lru_cache

import vl_convert
from django.http import HttpRequest, HttpResponse

from huisuan.parties.route_access import public_page

A_DAY = 86400


@public_page
def chart_engine(request: HttpRequest) -> HttpResponse:
    """Vega, Vega-Lite and Vega-Embed in one module; asked for only when someone points at a chart."""
    response = HttpResponse(_bundle(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={A_DAY}"
    return response


@lru_cache(maxsize=1)
def _bundle() -> str:
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
