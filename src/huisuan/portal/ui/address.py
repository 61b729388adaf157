"""What a page reads of its address; the rest is named on the page, for nobody knows what it was meant to change.

Tables have parameters of their own (`table.Table.own`); here stands what pages read beside them, by the name of the
route. A name that ends in a dot stands for all that begin so.
"""

from __future__ import annotations

from collections.abc import Collection

from django.http import HttpRequest

_READ: dict[str, tuple[str, ...]] = {
    "audit-sample": ("lot", "size", "by", "year", "centre", "export"),
    "check-document": ("code",),
    "draw": ("again", "source"),
    "follow-objection": ("code",),
    "compute": ("month",),
    "application": ("from",),
    "budget": ("policy", "year", "seed", "export", "s.", "i.", "cap.", "rate."),
    "bulletin": ("with",),
    "calculator": ("who", "on", "known", "f."),
    "home": ("year",),
    "city-desk": ("city",),
    "enter-in-register": ("code",),
    "firm": ("month",),
    "cancel-jobs": ("uid",),
    "centre": ("year",),
    "centre-figures": ("year",),
    "job": ("at", "more"),  # of the part that asks anew by itself
    "job-file-view": ("area", "run", "path", "version", "end", "asked"),
    "job-files": ("area", "run", "path", "after", "asked"),
    "job-log": ("q", "i", "offset", "number"),
    "gate-file": ("page",),
    "gate-lattice": ("k", "part", "quasi", "sensitive"),
    "openness-scores": ("office",),
    "opendata-query": ("entry", "sql"),
    "now": ("cards", "hours", "model"),
    "line-branch": ("page",),
    "programme-year": ("policy", "year", "export"),
    "party": ("skip", "export"),
    "proposal": ("year",),
    "raw-line": ("as",),
    "relation-form": ("owner", "owned", "from"),
    "search": ("q",),
    "seal-checklist": ("through",),
    "settings": ("on", "known"),
    "sign-in": ("next",),
    "statement-of-money": ("by", "policy", "year", "export"),
    "statistics": ("year",),
    "statistics-file": ("year",),
    "todo": ("kind", "region"),
    "inbox-acts": ("number",),
    "submit-draft": ("draft", "task"),
    "submit-job": ("by", "from", "template"),
    "whole-city": ("skip", "export"),
    "whole-expert": ("skip", "export"),
    "whole-office": ("skip", "export"),
    "worked-cases": ("policy",),
}


def strangers(request: HttpRequest, own: Collection[str] = ()) -> list[str]:
    """What stands in the address and neither the page nor its tables (`own`) read, as `name=value`."""
    read = _READ.get((request.resolver_match and request.resolver_match.url_name) or "", ())
    prefixes = tuple(name for name in read if name.endswith("."))
    known = {*read, *own}
    found = [(name, value) for name, value in request.GET.items() if name not in known]
    return [f"{name}={value}" for name, value in found if not (prefixes and name.startswith(prefixes))]


def refused(request: HttpRequest, *wrong: str) -> list[str]:
    """These parameters of the address as `name=value`: the page read them and could not use them."""
    return [f"{name}={request.GET[name]}" for name in wrong if request.GET.get(name)]
