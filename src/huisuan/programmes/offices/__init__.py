"""Offices and posts: which offices the texts name, who holds which duty in them, from which day until which.

An office is never typed in: it stands behind a sentence, or is a policy's treasury; "the governments of the cities" are
one each. The workflow asks here who may act; pages and commands give and end posts here.
"""

from huisuan.programmes.offices.services import (
    acting_offices,
    city_governments,
    end_post,
    give_post,
    is_city,
    offices_in,
    posts_in_force,
    store_offices,
)

__all__ = [
    "acting_offices", "city_governments", "end_post", "give_post", "is_city", "offices_in", "posts_in_force",
    "store_offices",
]  # fmt: skip
