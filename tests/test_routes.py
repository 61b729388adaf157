"""Every page and every API operation, with every role: each states who may call it, and means it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from stdnum.cn import uscc

from huisuan.api.assembly import api
from huisuan.compute.agent_gateway.api import EnrolledAgent
from huisuan.compute.agent_gateway.api import api as agent_api
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Party, Person, Region, Scope
from huisuan.parties.route_access import _SCOPE_RANK, ALL_ROLES, Allow

pytestmark = pytest.mark.django_db
API = "/api/v1"
APIS = ("api-1:", "agent-1:")
#: what anyone may call without signing in, on purpose
PUBLIC_OPERATIONS = re.compile(
    r"(POST /login|(GET|POST) /law.*|GET /meter/register|GET /documents/x|GET /opendata/entries(/x)?|"
    r"GET /opendata/released(/x)?|(GET|HEAD) /opendata/released/x/content|POST /opendata/query|"
    r"GET /opendata/corpora(/x)?|(GET|HEAD) /opendata/corpora/x/shards/x/x|"
    r"GET /registers(/x){0,3}|GET /register-figures(/x){3}|GET /notices(/x)?|POST /notices/x/lines/x/objections|"
    r"GET /objections/x)"
)
#: what asks, beside the role, for a post in force before anything else: nobody here holds one
BY_POST = {
    "POST /api/v1/treasury/files", "GET /api/v1/treasury/files/x", "GET /treasury/files/1.csv",
    "POST /treasury/files/1.csv",
}  # fmt: skip
#: Django Ninja's own addresses, which describe the API to anyone
DESCRIPTION = {"api-root", "openapi-json", "openapi-view"}
SAMPLES = {"int": "1", "str": "x", "slug": "x", "path": "x", "uuid": "00000000-0000-4000-8000-000000000000"}


class Route(NamedTuple):
    """Where to call and who may: roles, or None for everyone."""

    method: str
    path: str
    roles: frozenset[str] | None
    states: bool
    scope: str = ""  # of an operation

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations() -> Iterator[Route]:
    """Every operation of the API."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                gates = [gate for gate in operation.auth_callbacks if isinstance(gate, Allow)]
                for method in operation.methods:
                    where = re.sub(r"\{[^}]*\}", "x", f"{prefix}{path}")
                    public = not operation.auth_callbacks and PUBLIC_OPERATIONS.fullmatch(f"{method} {where}")
                    stated = bool(gates) and len(gates) == len(operation.auth_callbacks)
                    roles = None if public else frozenset.intersection(*(gate.roles for gate in gates or [Allow()]))
                    scope = max((gate.scope for gate in gates), key=_SCOPE_RANK.__getitem__, default="")
                    yield Route(method, API + where, roles, stated or bool(public), scope)


def pages(resolver: URLResolver | None = None, before: str = "/", space: str = "") -> Iterator[Route]:
    """Every page, by GET and by POST."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + sample(str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from pages(entry, route, f"{space}{entry.namespace}:" if entry.namespace else space)
        elif isinstance(entry, URLPattern) and space not in APIS:  # their operations are walked by themselves
            allowed = getattr(entry.callback, "allowed", "unstated")
            public = allowed is None
            roles = None if public else frozenset(ALL_ROLES if allowed == "unstated" else allowed)
            for method in ("GET", "POST"):
                yield Route(method, route, roles, allowed != "unstated")


def sample(address: str) -> str:
    """The address with something in the place of each variable."""
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], address)


OPERATIONS, PAGES = list(operations()), list(pages())


@pytest.fixture
def people() -> dict[str, Person]:
    """One of each role."""
    made = {}
    for number, role in enumerate(ALL_ROLES):
        base = f"91340100MA2T{number:05d}"
        party = Party.objects.create(
            uscc=base + uscc.calc_check_digit(base), name=role, kind="enterprise", region_id="340100"
        )
        made[role] = Person.objects.create_person(
            role,
            None,
            role=role,
            party=party if role in ("user", "centre") else None,
            city=Region.objects.get(code="340100") if role == "city" else None,
        )
    return made


def test_the_walk_finds_the_pages_and_the_operations() -> None:
    assert {"GET /", "GET /healthz", "POST /jobs/x/cancel"} <= {str(route) for route in PAGES}
    assert {"POST /api/v1/jobs", "GET /api/v1/me"} <= {str(route) for route in OPERATIONS}
    addresses = {sample(f"{API}/{entry.pattern}") for entry in api.urls[0] if entry.name not in DESCRIPTION}
    assert addresses == {route.path for route in OPERATIONS}


@pytest.mark.parametrize("route", [*OPERATIONS, *PAGES], ids=str)
def test_every_route_states_who_may_call_it(route: Route) -> None:
    assert route.states


@pytest.mark.parametrize("route", OPERATIONS, ids=str)
def test_an_operation_answers_its_roles_and_scopes_and_no_other(route: Route, people: dict[str, Person]) -> None:
    assert outcome(call(Client(), route)) == ("in" if route.roles is None else "signed out")
    assert route.roles is None or route.scope in Scope.values
    for role, person in people.items():
        for scope in Scope.values:
            answer = call(Client(), route, HTTP_AUTHORIZATION=f"Bearer {token_for(person, scope)}")
            may = route.roles is None or (role in route.roles and _SCOPE_RANK[scope] >= _SCOPE_RANK[route.scope])
            may = may and str(route) not in BY_POST
            assert (role, scope, outcome(answer)) == (role, scope, "in" if may else "forbidden")


def test_what_changes_something_is_no_operation_for_who_may_only_read() -> None:
    changing = {str(route) for route in OPERATIONS if route.scope == Scope.READ and route.method != "GET"}
    assert changing == {
        "POST /api/v1/logout", "POST /api/v1/jobs/preview", "POST /api/v1/document-templates/check",
    }  # fmt: skip


def test_the_agents_own_api_lets_in_who_signs_and_no_role_whatever(people: dict[str, Person]) -> None:
    operations = [
        operation
        for _, router in agent_api._routers
        for view in router.path_operations.values()
        for operation in view.operations
    ]
    assert [type(gate) for operation in operations for gate in operation.auth_callbacks] == [EnrolledAgent]
    addresses = {str(entry.pattern) for entry in agent_api.urls[0] if entry.name not in DESCRIPTION}
    assert addresses == {"sync"}
    for person in people.values():
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {token_for(person)}"}
        assert Client().post("/api/agent/v1/sync", {}, content_type="application/json", **bearer).status_code == 401


@pytest.mark.parametrize("route", PAGES, ids=str)
def test_a_page_opens_to_its_roles_and_to_no_other(route: Route, people: dict[str, Person]) -> None:
    assert outcome(call(Client(), route)) == ("in" if route.roles is None else "signed out")
    for role, person in people.items():
        browser = Client()
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        may = route.roles is None or (role in route.roles and str(route) not in BY_POST)
        expected = "in" if may else "forbidden"
        assert (role, outcome(call(browser, route))) == (role, expected)


def token_for(person: Person, scope: str = "manage") -> str:
    """The secret of a token of this person."""
    return issue_token(person, "test", Actor("test"), datetime.now(UTC), scope=scope)[1]


def call(client: Client, route: Route, **headers: Any) -> Any:
    """Call it with nothing in hand: what the gate says comes first."""
    body = {"content_type": "application/json", "data": {}} if route.path.startswith(API) else {}
    return getattr(client, route.method.lower())(route.path, **(body if route.method != "GET" else {}), **headers)


def outcome(answer: Any) -> str:
    """What the gate said."""
    assert answer.status_code < 500
    if answer.status_code == 401 or (answer.status_code == 302 and "/sign-in?next=" in answer["Location"]):
        return "signed out"
    return "forbidden" if answer.status_code == 403 else "in"


def test_a_session_cannot_be_used_from_another_site(people: dict[str, Person]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people["user"], backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.post(f"{API}/jobs", {"command": ["true"]}, content_type="application/json")
    assert (answer.status_code, answer.json()) == (403, {"detail": "CSRF", "code": "access.csrf"})


def test_a_revoked_token_opens_nothing(people: dict[str, Person]) -> None:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token_for(people['user'])}"}
    assert Client().get(f"{API}/me", **bearer).status_code == 200
    assert Client().post(f"{API}/logout", **bearer).status_code == 204
    assert Client().get(f"{API}/me", **bearer).status_code == 401
