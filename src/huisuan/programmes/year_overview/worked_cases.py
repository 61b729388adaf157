"""One case of each article: the application that came furthest, or what stands on its registers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Max, Min, QuerySet

from huisuan.law.policy import Policy
from huisuan.programmes.models import Application, RegisteredThing


@dataclass(frozen=True)
class WorkedCase:
    """A case of an article: an application, or (None) so many `entries` of a `register` of its sentence."""

    article: str
    application: Application | None = None
    register: str = ""
    entries: int = 0


def find_worked_cases(policy: Policy, applications: QuerySet[Application]) -> list[WorkedCase]:
    """In the order of the articles, of those that have one; of `applications` the one with the most steps."""
    furthest = _furthest(applications.filter(edition__policy=policy.name))
    articles = list(dict.fromkeys(number.split(".")[0] for number in policy.text.sentences))
    return [
        found
        for article in articles
        if (found := furthest.get(article) or next(_registered(policy, article), None)) is not None
    ]


def _furthest(applications: QuerySet[Application]) -> dict[str, WorkedCase]:
    """By article; two passes over the applications, however many there are."""
    most = dict(applications.order_by().values_list("edition").annotate(most=Max("steps_taken")))
    rows = applications.order_by().values_list("edition", "steps_taken").annotate(first=Min("pk"))
    first = [pk for edition, steps, pk in rows if most[edition] == steps]
    found: dict[str, WorkedCase] = {}
    best = Application.objects.filter(pk__in=first).select_related("edition", "party", "city")
    for one in sorted(best, key=lambda each: (-each.steps_taken, each.pk)):
        article = str(one.edition.content["sentence"]).split(".")[0]
        found.setdefault(article, WorkedCase(article, one))
    return found


def _registered(policy: Policy, article: str) -> Iterator[WorkedCase]:
    for spec in policy.registers:
        entries = RegisteredThing.objects.filter(policy=policy.name, register=spec.key)
        if spec.sentence.split(".")[0] == article and (count := entries.count()):
            yield WorkedCase(article, None, spec.key, count)
