"""The client: one method an action, typed answers, errors in the server's own words."""

from __future__ import annotations

from datetime import date
from typing import Any

from huisuan.client.files import FileCalls
from huisuan.client.firm import FirmCalls
from huisuan.client.jobs import JobCalls
from huisuan.client.messages import MessageCalls
from huisuan.client.sessions import SessionCalls
from huisuan.client.transport import ClientError, given, part
from huisuan.protocol import entitlements as answers
from huisuan.protocol import resources as wire
from huisuan.protocol.agent import SyncReply, SyncRequest

__all__ = ["Client", "ClientError"]


class Client(JobCalls, FileCalls, SessionCalls, MessageCalls, FirmCalls):
    """The platform at `url`, as the one that `token` stands for. Use it as a context, or close it."""

    # --- signing in

    def login(
        self, username: str, password: str, code: str = "", *, scope: wire.ScopeName = "submit", days: int = 90
    ) -> wire.Granted:
        """A token for a person; the platform limits how often one may try.

        Raises:
            ClientError: refused; its status is `wire.CODE_WANTED` where the code of a second factor is wanted.
        """
        asked = wire.Credentials(username=username, password=password, code=code, scope=scope, days=days)
        return self._one(wire.Granted, "POST", "login", json=asked.model_dump())

    def logout(self) -> None:
        """Revoke the token that this client carries."""
        self._send("POST", "logout")

    def me(self) -> wire.Identity:
        """Whom the token stands for."""
        return self._one(wire.Identity, "GET", "me")

    # --- centres and usage

    def centres(self) -> list[wire.CentreInfo]:
        """The centres, what they offer and what is free."""
        return self._many(wire.CentreInfo, "centres")

    def usage_page(
        self,
        *,
        centre: str | None = None,
        party: str | None = None,
        user: str | None = None,
        job: str | None = None,
        month: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> wire.UsagePage:
        """Usage records that the caller may see, by centre and sequence; `month` as 2024-01, in Shanghai."""
        asked = given(centre=centre, party=party, user=user, job=job, month=month, limit=limit, after=after)
        return self._one(wire.UsagePage, "GET", "usage", params=asked)

    def usage(self, *, job: str) -> list[wire.UsageRecord]:
        """The usage records of one job."""
        return self.usage_page(job=job, limit=1000).items

    # --- entitlements and the law

    def entitlements(self, *, year: int | None = None, limit: int = 100, offset: int = 0) -> list[answers.Entitlement]:
        """Entitlements that the caller may see, of the newest settlement."""
        return self._many(answers.Entitlement, "entitlements", params=given(year=year, limit=limit, offset=offset))

    def entitlement(self, number: str) -> answers.Entitlement:
        """One entitlement, with its explanation."""
        return self._one(answers.Entitlement, "GET", f"entitlements/{part(number)}")

    def trace(self, number: str) -> dict[str, Any]:
        """An entitlement down to its raw lines, as the platform tells it."""
        found: dict[str, Any] = self._send("GET", f"entitlements/{part(number)}/trace").json()
        return found

    def law_facts(self, policy: str, article: str) -> list[answers.Fact]:
        """The facts that an article asks for."""
        return self._many(answers.Fact, f"law/{part(policy)}/{part(article)}/facts")

    def law_explain(
        self,
        policy: str,
        article: str,
        facts: dict[str, Any],
        *,
        on: date | None = None,
        as_known: date | None = None,
    ) -> answers.Explanation:
        """What an article gives for these facts, sentence by sentence."""
        when = given(on=on and on.isoformat(), as_known=as_known and as_known.isoformat())
        return self._one(
            answers.Explanation, "POST", f"law/{part(policy)}/{part(article)}/explain", json={"facts": facts, **when}
        )

    # --- the agent

    def sync(self, seen: SyncRequest) -> SyncReply:
        """Tell what an agent saw and hear what is wanted."""
        return self._one(SyncReply, "POST", "agent/sync", json=seen.model_dump(mode="json"))
