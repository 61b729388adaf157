"""The HTTP API under /api/v1, put together from each room's own api.py."""

from __future__ import annotations

import logging
from importlib import import_module

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.operation import Operation

from huisuan import __version__
from huisuan.parties.api_errors import answer_refusals
from huisuan.parties.input_limits import NUMBER_OUT_OF_RANGE, StrictParser

#: the modules whose `router` make up the API, and what the ids of their operations begin with. Generated clients name
#: their functions by these ids: they are part of the contract, and stay when a module moves.
ROUTERS = {
    "huisuan.parties.api": "huisuan_parties_api",
    "huisuan.messages.api": "huisuan_messages_api",
    "huisuan.parties.members_api": "huisuan_members_api",
    "huisuan.compute.budgets.api": "huisuan_budgets_api",
    "huisuan.compute.jobs.leaving_api": "huisuan_leaving_api",
    "huisuan.compute.jobs.preview_api": "huisuan_compute_placement_api",
    "huisuan.compute.jobs.desk_api": "huisuan_compute_desk_api",
    "huisuan.compute.jobs.api": "huisuan_compute_job_api",
    "huisuan.compute.jobs.files.api": "huisuan_compute_job_files_api",
    "huisuan.compute.jobs.workdirs.api": "huisuan_compute_upload_api",
    "huisuan.compute.sessions.api": "huisuan_compute_session_api",
    "huisuan.compute.maintenance.api": "huisuan_compute_maintenance_api",
    "huisuan.compute.centre_desk.api": "huisuan_compute_centre_desk_api",
    "huisuan.compute.metering.api.usage": "huisuan_compute_usage_api",
    "huisuan.compute.metering.api.seals": "huisuan_compute_meter_api",
    "huisuan.settlement.statements.api": "huisuan_statements_api",
    "huisuan.settlement.api": "huisuan_settlement_api",
    "huisuan.documents.api": "huisuan_documents_api",
    "huisuan.opendata.catalogue.api": "huisuan_opendata_api",
    "huisuan.opendata.gate.api": "huisuan_data_gate_api",
    "huisuan.opendata.access.api": "huisuan_data_access_api",
    "huisuan.opendata.corpora.api": "huisuan_data_corpora_api",
    "huisuan.opendata.requests.api": "huisuan_data_requests_api",
    "huisuan.bulletins.appeals.api": "huisuan_bulletins_api",
    "huisuan.programmes.workflow.api": "huisuan_applications_api",
    "huisuan.programmes.offices.api": "huisuan_posts_api",
    "huisuan.programmes.notices.api": "huisuan_notices_api",
    "huisuan.programmes.applications.api": "huisuan_drafts_api",
    "huisuan.programmes.calls.api": "huisuan_calls_api",
    "huisuan.programmes.check_desk.api": "huisuan_flags_api",
    "huisuan.programmes.review_desk.api": "huisuan_sheets_api",
    "huisuan.programmes.payments.api": "huisuan_payees_api",
    "huisuan.programmes.contract_desk.api": "huisuan_contracts_api",
    "huisuan.programmes.struck.api": "huisuan_struck_api",
    "huisuan.programmes.papers.api": "huisuan_papers_api",
    "huisuan.programmes.registers.api": "huisuan_registers_api",
    "huisuan.programmes.registers.grants_api": "huisuan_data_grants_api",
    "huisuan.programmes.offers.api": "huisuan_money_api",
    "huisuan.programmes.api": "huisuan_programmes_api",
    "huisuan.api.law": "huisuan_api_law",
}


class NamedOperations(NinjaAPI):
    """An API whose operation ids do not follow the paths of modules."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The id of an operation: its router's name in the contract, then the function's."""
        return f"{ROUTERS[operation.view_func.__module__]}_{operation.view_func.__name__}"


log = logging.getLogger(__name__)
api = NamedOperations(title="惠算 Huisuan", version=__version__, urls_namespace="api-1", parser=StrictParser())


answer_refusals(api)


@api.exception_handler(DataError)
@api.exception_handler(OverflowError)
@api.exception_handler(UnicodeEncodeError)
def not_keepable(request: HttpRequest, error: Exception) -> HttpResponse:
    """What no column can hold is nothing that could be found: the caller's mistake."""
    log.warning("%s %s: %s", request.method, request.path, str(error).splitlines()[0])
    return api.create_response(request, {"detail": NUMBER_OUT_OF_RANGE}, status=400)


for module in ROUTERS:
    api.add_router("", import_module(module).router)
