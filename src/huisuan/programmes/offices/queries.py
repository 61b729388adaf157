"""Which offices there are, who holds which post; a post as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_installed
from huisuan.law.procedure import EACH_CITY
from huisuan.programmes.models import Office, Post
from huisuan.programmes.offices.services import acting_offices, store_every_office


def list_offices() -> list[str]:
    """The names of all offices that a policy here names, in order."""
    store_every_office()
    return list(Office.objects.exclude(name__in=EACH_CITY).values_list("name", flat=True))


def list_posts(*, office: str = "", username: str = "") -> QuerySet[Post]:
    """Every post that was ever given, the newest first; of an office, of a person."""
    found = Post.objects.select_related("person", "office", "given_by", "ended_by").order_by("-pk")
    found = found.filter(office__name=office) if office else found
    return found.filter(person__username=username) if username else found


def get_post(number: int) -> Post:
    """The post of that number.

    Raises:
        NotFound: none.
    """
    found = list_posts().filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有岗位 {number}：编号见 huisuan post list", code="post.unknown")
    return found


def is_in_force(post: Post, day: date) -> bool:
    """Whether a post counts on a day, Asia/Shanghai; the same rule as `posts_in_force`."""
    last = [end for end in (post.until_day, post.ended_on) if end is not None]
    return post.from_day <= day and all(day <= end for end in last)


def post_to_dict(post: Post, day: date) -> dict[str, Any]:
    """A post as JSON carries it; `in_force` on that day."""
    return {
        "number": post.pk, "person": post.person.username, "name": post.person.name, "office": post.office.name,
        "duty": post.duty, "from": post.from_day.isoformat(),
        "until": post.until_day.isoformat() if post.until_day else None, "stands_in_for": post.stands_in_for_id,
        "given_by": post.given_by.username, "given_at": post.given_at.astimezone(SHANGHAI).isoformat(),
        "ended_on": post.ended_on.isoformat() if post.ended_on else None,
        "ended_by": post.ended_by.username if post.ended_by else None, "in_force": is_in_force(post, day),
    }  # fmt: skip


def offices_known() -> list[str]:
    """The names of all offices that there are, or that a policy here names; nothing is stored by looking."""
    readable, _broken = load_installed()
    named = {taken.office for policy in readable for spec in policy.programmes for taken in spec.steps if taken.office}
    return sorted((acting_offices(named) | set(Office.objects.values_list("name", flat=True))) - EACH_CITY)
