"""Whatever persons try in whatever order, only that stands which an oracle of its own allows; steps replay, and the
counts by day that the database keeps are what is counted one by one after each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from huisuan.base.errors import Refused
from huisuan.programmes.workflow import act, find_breaks, replay_state
from support.examples import examples
from support.programmes import INDUSTRY, NOON, TREASURY, applicant, application, budget, official, with_account
from support.year_counts import kept_and_counted

pytestmark = pytest.mark.django_db

#: 14.1 by hand, as the manual says it: action -> (from, to, duty, office)
MANUAL = {
    "submit": ({"draft", "returned"}, "submitted", "apply", ""),
    "return": ({"submitted"}, "returned", "check", INDUSTRY),
    "check": ({"submitted"}, "checked", "check", INDUSTRY),
    "publicise": ({"checked"}, "in_publicity", "publish", INDUSTRY),
    "suspend": ({"in_publicity"}, "suspended", "publish", INDUSTRY),
    "resume": ({"suspended"}, "in_publicity", "publish", INDUSTRY),
    "uphold": ({"suspended"}, "submitted", "publish", INDUSTRY),
    "decide": ({"in_publicity"}, "decided", "decide", INDUSTRY),
    "refuse": ({"submitted", "returned", "checked", "in_publicity"}, "refused", "decide", INDUSTRY),
    "withdraw": (
        {"draft", "submitted", "returned", "checked", "in_publicity", "suspended"}, "withdrawn", "apply", "",
    ),
    "commit": ({"decided"}, "committed", "commit", TREASURY),
    "pay": ({"committed"}, "paying", "pay", TREASURY),
    "complete": ({"paying"}, "closed", "pay", TREASURY),
    "recover": ({"paying", "closed"}, "in_recovery", "register", INDUSTRY),
    "plead": ({"in_recovery"}, "in_recovery", "apply", ""),
    "hear": ({"in_recovery"}, "in_recovery", "register", INDUSTRY),
    "relent": ({"in_recovery"}, "in_recovery", "register", INDUSTRY),
    "recovered": ({"in_recovery"}, "closed", "pay", TREASURY),
    "revoke": ({"decided", "committed", "paying"}, "refused", "decide", INDUSTRY),
}  # fmt: skip
#: some with two posts, so that only what they did before keeps them from the other
POSTS = {
    "a": [("check", INDUSTRY), ("publish", INDUSTRY)],
    "b": [("publish", INDUSTRY), ("decide", INDUSTRY)],
    "c": [("decide", INDUSTRY), ("register", INDUSTRY)],
    "d": [("commit", TREASURY), ("pay", TREASURY)],
    "e": [("pay", TREASURY), ("check", TREASURY)],  # a duty in the wrong office
    "f": [("check", INDUSTRY)],
}


class AnyWalk(TestCase):
    """Each in a transaction of its own. Every order waits for the bank: nothing is complete, recovered or revoked."""

    @settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        tried=st.lists(
            st.tuples(st.sampled_from(["firm1", "firm2", *POSTS]), st.sampled_from(sorted(MANUAL)), st.booleans()),
            max_size=40,
        )
    )
    def test_only_what_the_manual_allows_stands(self, tried: list[tuple[str, str, bool]]) -> None:
        """`easy` tries draw somebody and something that may fit, so that walks get far."""
        people = {name: official(name, *post) for name, posts in POSTS.items() for post in posts}
        people |= {"firm1": applicant(1), "firm2": applicant(2)}
        made, state, duties, stood, now = with_account(application(1)), "draft", {}, 0, NOON
        budget()
        for who, drawn, easy in tried:
            action = drawn
            if easy:
                action = next((one for one, row in MANUAL.items() if state in row[0] and one != "withdraw"), drawn)
            sources, target, duty, office = MANUAL[action]
            fits = who == "firm1" if duty == "apply" else (duty, office) in POSTS.get(who, ())
            may = state in sources and fits and duties.get(who, duty) == duty
            may = may and action not in ("complete", "recover") and (action, state) != ("revoke", "paying")
            fen, said = 100 if action == "decide" else None, {"fields": ["x"], "budget_year": 2024}
            try:
                act(made.number, action, people[who], now, reason="理由", payload=said, amount_fen=fen)
            except Refused:
                did = False
            else:
                did = True
            assert did == may, (who, action, state, duties)
            kept, counted = kept_and_counted()
            assert kept == counted, (who, action, state)
            if may:
                state, duties[who], stood = target, duty, stood + 1
                now += timedelta(days=15) if action == "publicise" else timedelta()  # its working days are over
        made.refresh_from_db()
        steps = list(made.steps.all())
        assert (made.state, replay_state(steps), len(steps), find_breaks(steps)) == (state, state, stood, [])
