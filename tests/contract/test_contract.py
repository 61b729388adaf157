"""What others build on changes only knowingly: the OpenAPI documents, the agent protocol, `--help`, the demo's figures.

`make snapshots` stores the present state; the difference then stands in the commit, beside its reason in CHANGELOG.md.
"""

from __future__ import annotations

import io

import pytest
from ninja import NinjaAPI
from pydantic import BaseModel
from rich.console import Console

from huisuan.api.assembly import api
from huisuan.cli.main import assemble
from huisuan.compute.agent_gateway.api import api as agent_api
from huisuan.protocol.agent import SyncReply, SyncRequest
from support.contract import as_json, command_help, compare, masked, without_prose


@pytest.mark.parametrize(
    ("document", "path", "name"), [(api, "/api/v1/", "openapi"), (agent_api, "/api/agent/v1/", "agent-openapi")]
)
def test_the_openapi_document_is_the_stored_one(document: NinjaAPI, path: str, name: str) -> None:
    compare(f"{name}.json", as_json(document.get_openapi_schema(path_prefix=path)))


@pytest.mark.parametrize("message", [SyncRequest, SyncReply], ids=lambda message: message.__name__)
def test_what_an_agent_and_the_platform_exchange_is_what_is_stored(message: type[BaseModel]) -> None:
    mode = "validation" if message is SyncRequest else "serialization"
    compare(f"agent-{message.__name__}.json", as_json(message.model_json_schema(mode=mode)))


@pytest.mark.slow
def test_the_help_of_every_command_is_the_stored_one() -> None:
    compare("help.txt", command_help(assemble()))


@pytest.mark.slow
@pytest.mark.django_db
def test_the_figures_of_the_demo_are_the_stored_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    from huisuan import terminal
    from huisuan.cli.demo import money, output, scenario
    from huisuan.settlement.cli import settle_commands

    page = Console(file=io.StringIO(), width=terminal._PIPE_COLUMNS, soft_wrap=True, highlight=False, color_system=None)
    for module in (terminal, money, output, settle_commands):
        monkeypatch.setattr(module, "out", page)
    scenario.enter_parties()
    scenario.open_centres()
    for report in scenario.import_accounting():
        output.show_usage(report)
    settled = scenario.settle_demo_year()
    output.show_settlement(settled)
    scenario.make_accounts()
    money.show_money(money.walk_the_money(settled.run))
    compare("demo.txt", masked(page.file.getvalue()))  # type: ignore[attr-defined]


def test_a_property_called_title_is_no_prose() -> None:
    schema = {"title": "Job", "properties": {"title": {"type": "string", "description": "of the page"}}}
    assert without_prose(schema) == {"properties": {"title": {"type": "string"}}}
