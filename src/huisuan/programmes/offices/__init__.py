"""Offices and posts: which offices the texts name, who holds which duty in them, from which day until which.

An office is never typed in: it stands behind a sentence, or is a policy's treasury. The workflow asks here who may act;
pages and commands give and end posts here.
"""

from huisuan.programmes.offices.services import end_post, give_post, posts_in_force, store_offices

__all__ = ["end_post", "give_post", "posts_in_force", "store_offices"]
