"""A city and an office on one page: claims, money, debts, flags, documents, people, and all of it in time."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone

from huisuan.documents.queries import list_documents
from huisuan.parties.models import Party, PartyKind, Person, Region, Relation
from huisuan.parties.queries import list_visible_parties
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.posts import sees_office
from huisuan.portal.registers.city_desk import read_city_desk
from huisuan.portal.registers.field_words import register_title
from huisuan.portal.related.tables import (
    claims_table,
    debts_table,
    documents_table,
    flags_table,
    posts_table,
    ties_table,
)
from huisuan.portal.treasury.lines import lines_with_balances
from huisuan.portal.treasury.readers import BOOK_READERS
from huisuan.portal.ui.table import render_tables
from huisuan.portal.whole.happenings import (
    entries_about,
    of_city_payments,
    of_documents,
    of_entries,
    of_flags,
    of_post_changes,
    of_relations,
    of_steps,
    of_ties,
    of_versions,
)
from huisuan.portal.whole.timeline import read_timeline, timeline_file
from huisuan.programmes.models import (
    ApplicationFlag,
    ApplicationStep,
    ExpertTie,
    Office,
    Post,
    ProcedureEdge,
    ProcedureEdition,
    RegisterVersion,
)
from huisuan.programmes.offices import is_city
from huisuan.programmes.registers.queries import list_registers
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.treasury.models import Debt, Entry


@allow("city", "province", "auditor", "treasury")
def city_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """A city: what it claims and paid, what it is owed and owes, who is tied to it."""
    viewer, now = viewer_of(request), timezone.now()
    city = get_object_or_404(Region, code=code)
    if not is_city(city) or (viewer.role == "city" and viewer.city != city.code):
        raise Http404
    desk, file = read_city_desk(viewer, city, now), f"city-{city.code}"
    governments = Party.objects.filter(kind=PartyKind.CITY, region=city)
    inside = viewer.sees_everything  # flags and the ties of experts
    flags = ApplicationFlag.objects.filter(application__in=desk.applications.values("pk"))
    ties = ExpertTie.objects.filter(party__in=governments)
    documents = list_documents(viewer).filter(
        Q(party__in=governments) | Q(subject__in=desk.applications.values("number"))
    )
    related = Relation.objects.filter(Q(owner__in=governments) | Q(owned__in=governments))
    kept, opens = RegisterVersion.objects.filter(region=city), _opened(viewer, governments, related)
    sources = [
        of_steps(ApplicationStep.objects.filter(application__in=desk.applications.values("pk"))),
        of_entries(entries_about(city=city)),
        of_city_payments(desk.payments),
        of_documents(documents),
        of_relations(related, opens),
        of_versions(kept, list_registers()),
        *([of_flags(flags), of_ties(ties)] if inside else []),
    ]
    if (answer := timeline_file(request, f"{file}-timeline", sources)) is not None:
        return answer
    tables = [
        claims_table(request, desk.applications, viewer.role, file),
        debts_table(request, desk.debts, file),
        documents_table(request, documents, file),
        *([flags_table(request, flags, file), ties_table(request, ties, file)] if inside else []),
    ]
    context = {
        "here": "city-desk", "city": city, "desk": desk, "governments": governments, "related": related.select_related(
            "owner", "owned"
        ), "timeline": (timeline := read_timeline(request, sources)), "not_used": timeline.not_used,
        "opens": opens,
    }  # fmt: skip
    return render_tables(request, "portal/whole/city.html", context, tables)


@allow("city", "province", "auditor", "treasury", "department")
def office_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """An office: who holds which post, what it handles, its budget lines and registers, what it did."""
    viewer, today = viewer_of(request), timezone.localdate()
    office = get_object_or_404(Office, pk=number)
    assert isinstance(request.user, Person)
    if not sees_office(request.user, office, today):
        raise Http404
    file = f"office-{office.pk}"
    claims = visible_applications(viewer).filter(edition__in=_handled_by(office))
    lines = lines_with_balances().filter(office=office.name).order_by("-year", "sentence")
    registers = [(policy, spec) for policy, spec in list_registers() if spec.office == office.name]
    kept = Q(pk__in=())
    for policy, spec in registers:
        kept |= Q(entry__policy=policy.name, entry__register=spec.key)
    posts, documents = Post.objects.filter(office=office), list_documents(viewer).filter(series__office=office.name)
    debts, reads_books = Debt.objects.filter(line__in=lines.values("pk")), viewer.role in BOOK_READERS
    if not reads_books:
        debts = debts.filter(commitment__award__in=visible_applications(viewer).values("awards__key"))
    steps = ApplicationStep.objects.filter(
        post__office=office, application__in=visible_applications(viewer).values("pk")
    )
    sources = [
        of_steps(steps),
        of_post_changes(posts),
        of_documents(documents),
        of_versions(RegisterVersion.objects.filter(kept), registers),
    ]
    if reads_books:
        sources.append(of_entries(Entry.objects.filter(postings__account__line__in=lines.values("pk")).distinct()))
    if (answer := timeline_file(request, f"{file}-timeline", sources)) is not None:
        return answer
    tables = [
        posts_table(request, posts, today, file),
        claims_table(request, claims, viewer.role, file),
        debts_table(request, debts, file),
        documents_table(request, documents, file),
    ]
    timeline = read_timeline(request, sources)
    context: dict[str, Any] = {
        "here": "posts", "office": office, "lines": lines if reads_books else (), "reads_books": reads_books,
        "timeline": timeline, "not_used": timeline.not_used,
        "registers": [(policy.name, spec.key, register_title(spec)) for policy, spec in registers],
    }  # fmt: skip
    return render_tables(request, "portal/whole/office.html", context, tables)


def _opened(viewer: Viewer, governments: QuerySet[Party], related: QuerySet[Relation]) -> set[int]:
    """Of the parties that a city's page names those whose own page answers the reader."""
    named = Q(pk__in=governments.values("pk")) | Q(pk__in=related.values("owner")) | Q(pk__in=related.values("owned"))
    return set(list_visible_parties(viewer).filter(named).values_list("pk", flat=True))


def _handled_by(office: Office) -> QuerySet[ProcedureEdition]:
    edges = ProcedureEdge.objects.filter(office=office.name)
    return ProcedureEdition.objects.filter(pk__in=edges.values("edition"))
