"""Who is asking, and what they may see. Every query that returns a tenant's data takes a `Viewer`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

if TYPE_CHECKING:
    from huisuan.parties.models import Person

_SCOPES = ("read", "submit", "manage")  # each includes the ones before it


@dataclass(frozen=True)
class Viewer:
    """Someone signed in, reduced to what decides about access.

    `scope` is that of the token they came with, as far as their role in the firm reaches; `project_id` the project
    that the token is bound to, None: none. `member_role` is the role in the firm, of a user only.
    """

    role: str
    name: str
    party_id: int | None = None
    city: str | None = None
    scope: str = "manage"
    member_role: str = ""
    project_id: int | None = None

    @classmethod
    def for_person(cls, who: Person, *, scope: str = "manage", project_id: int | None = None) -> Viewer:
        """The viewer that a person is, or their token of that scope and project."""
        return cls(
            role=who.role, name=who.username, party_id=who.party_id, city=who.city_id,
            scope=min(scope, who.widest_scope, key=_SCOPES.index), member_role=who.member_role, project_id=project_id,
        )  # fmt: skip

    @property
    def sees_everything(self) -> bool:
        """Province and audit read the whole province."""
        return self.role in ("province", "auditor")

    def parties(self, to: str = "") -> Q:
        """Filter on parties for what belongs to a user; `to` is the path to the party ("", "party", "bill__party").

        A user sees its own party, a city the parties registered in it, a centre none through this door.
        """
        step = f"{to}__" if to else ""
        if self.sees_everything:
            return Q()
        if self.role == "city":
            return Q(**{f"{step}region_id": self.city})
        if self.role == "user":
            return Q(**{f"{step}pk" if to else "pk": self.party_id})
        return Q(**{f"{step}pk__lt": 0})  # nothing; an empty list is refused as SQL for DuckDB

    def centres(self, to: str = "") -> Q:
        """Filter on centres: a centre's people see the centres that their party operates, users see none's inside."""
        step = f"{to}__" if to else ""
        if self.sees_everything:
            return Q()
        if self.role == "city":
            return Q(**{f"{step}region_id": self.city})
        if self.role == "centre":
            return Q(**{f"{step}operator_id": self.party_id})
        return Q(**{f"{step}pk__lt": 0})  # nothing; an empty list is refused as SQL for DuckDB

    def usage(self) -> Q:
        """Filter on usage records: a user's own, a centre's own, a city's parties and centres, or all."""
        if self.role == "centre":
            return self.centres("centre")
        if self.role == "city":
            return self.parties("party") | self.centres("centre")
        return self.parties("party")
