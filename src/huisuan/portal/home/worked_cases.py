"""One case of each article, with where to click: what a newcomer, or a visitor of the demo, looks at first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from huisuan.law.policy import list_policies, load_policy
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.words import application_state, programme_title
from huisuan.portal.registers.field_words import register_title
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.state_labels import Word
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.programmes.year_overview.worked_cases import find_worked_cases


@allow("province", "department", "treasury", "auditor", "city")
def worked_cases_page(request: HttpRequest) -> HttpResponseBase:
    """The cases of a policy (`policy`) that the reader may see: the application that came furthest, or the register."""
    viewer, names, asked = viewer_of(request), list_policies(), request.GET.get("policy", "")
    if not names:
        return render(request, "portal/home/no_policy.html", {"here": "programme-year"})
    policy = load_policy(asked if asked in names else names[0])
    rows: list[tuple[str, str, str, str, str, Word | None]] = []
    for case in find_worked_cases(policy, visible_applications(viewer)):
        article = f"{reverse('policy', args=[policy.name])}#s{case.article}.1"
        if (one := case.application) is not None:
            where = reverse("application", args=[one.number])
            word = application_state(one.state, viewer.role)
            rows.append((case.article, article, programme_title(one.edition), one.number, where, word))
        else:
            spec = policy.register(case.register)
            where = reverse("register-of", args=[policy.name, spec.key])
            rows.append(
                (case.article, article, f"{spec.sentence} {register_title(spec)}", str(case.entries), where, None)
            )
    context = {
        "here": "programme-year", "policy": policy.name, "policies": names, "rows": rows,
        "not_used": refused(request, *(["policy"] if asked and asked != policy.name else [])),
    }  # fmt: skip
    return render(request, "portal/home/worked_cases.html", context)
