"""The decision sheet of a call for those who rank and look: frozen by a post, shown as it stands or would stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.documents.letters import without_controls
from huisuan.documents.typesetting import typeset, unnumbered
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.calls.publishing import CallKeepers, kept_by, of_no_city
from huisuan.programmes.decision_sheets.compute import compute_sheet
from huisuan.programmes.decision_sheets.records import last_sheet, store_sheet
from huisuan.programmes.models import Application, Call, FrozenSheet, ProcedureEdge
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.review.ranking import DecisionSheet, read_sheet
from huisuan.programmes.review.sheet_letter import frozen_words, sheet_letter
from huisuan.programmes.review.sheet_workbook import sheet_workbook
from huisuan.programmes.submissions.window import CallWindow, WindowState
from huisuan.programmes.workflow.queries import visible_applications

_READERS = (Role.PROVINCE, Role.DEPARTMENT, Role.TREASURY, Role.AUDITOR)


@dataclass(frozen=True)
class ShownSheet:
    """A sheet with its call. `frozen` None: as it would be frozen now, without those that are `pending`."""

    call: Call
    sheet: DecisionSheet
    frozen: FrozenSheet | None
    pending: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it: what the digest is of, and beside it the marginal case with its neighbours."""
        frozen = self.frozen
        return {
            "call": self.call.number, "frozen": frozen is not None, "number": frozen.number if frozen else None,
            "digest": frozen.digest if frozen else self.sheet.digest, "reason": frozen.reason if frozen else "",
            "frozen_by": frozen.by.username if frozen else None,
            "frozen_at": frozen.at.astimezone(SHANGHAI).isoformat() if frozen else None,
            "funded_fen": self.sheet.funded_fen, "pending": list(self.pending),
            "marginal": [line.application.key for line in self.sheet.marginal()], **self.sheet.to_dict(),
        }  # fmt: skip

    def to_workbook(self) -> bytes:
        """As XLSX, with the names of the applicants."""
        return sheet_workbook(self.sheet, self._names(), self.call.title)

    def to_pdf(self) -> bytes:
        """As PDF, with the names of the applicants; the same frozen sheet is the same bytes.

        Raises:
            Conflict: it is not frozen yet.
            Unavailable: it cannot be set here.
        """
        if self.frozen is None:
            raise Conflict(f"{self.call.number}：决策表冻结之后才有 PDF；在此之前可取 XLSX", code="sheet.not_frozen")
        frozen = self.frozen
        version = frozen_words(self.call.number, frozen.number, frozen.by.name, frozen.at, frozen.reason)
        office = min(frozen_by(self.call).offices, default=frozen.by.name)
        letter = without_controls(sheet_letter(self.sheet, self._names(), self.call.title, version))
        return typeset(letter, unnumbered(office, self.frozen.at))

    def _names(self) -> dict[str, str]:
        rows = Application.objects.filter(call=self.call).select_related("party", "city")
        return {one.number: one.party.name if one.party else str(one.city) for one in rows}


@transaction.atomic
def freeze_sheet(number: str, person: Person, now: datetime) -> FrozenSheet:
    """Freeze the decision sheet of a call, once; frozen again by the same office it is the one that was frozen.

    Raises:
        NotFound: no such call.
        NotAllowed: no post to rank (where nobody ranks: to decide) in the office of the procedure.
        Conflict: the call is still open, something of it is not reviewed yet, or the law owes nothing for it.
    """
    found = Call.objects.select_for_update(of=("self",), no_key=True).select_related("edition").filter(number=number)
    call = found.first()
    if call is None:
        raise _unknown(number)
    if not may_freeze(call, person, now):
        kept = frozen_by(call)
        if kept.of_no_city:
            raise of_no_city(call, "sheet.no_post_in_force")
        offices = "、".join(kept.offices)
        raise NotAllowed(f"{number}：决策表由{offices}当天在任的岗位冻结", code="sheet.no_post_in_force")
    if (frozen := last_sheet(call)) is not None:
        return frozen
    window = CallWindow(call.first_day, call.last_day)
    if window.state(now) is not WindowState.CLOSED:
        raise Conflict(
            f"{number} 受理到 {call.last_day} 24:00，截止之后才能冻结决策表：此前还可能有申报", code="sheet.call_open"
        )
    draft = compute_sheet(call)
    draft.require_ready()
    return store_sheet(call, draft.sheet, 1, "", person, now)


def may_freeze(call: Call, person: Person, now: datetime) -> bool:
    """Whether a person holds a post today that ranks under a call; where nobody ranks, one that decides.

    Of a city's call, in that city.
    """
    held = posts_in_force(person, now.astimezone(SHANGHAI).date()).values_list("duty", "office__name")
    return not person.machine and person.is_active and bool(_freezing_posts(call) & set(held))


def frozen_by(call: Call) -> CallKeepers:
    """The offices of which a post freezes the sheet of a call."""
    return kept_by(call, {edge.office for edge in _freezing_edges(call)})


def _freezing_posts(call: Call) -> set[tuple[str, str]]:
    edges = _freezing_edges(call)
    return {(edge.duty, office) for edge in edges for office in kept_by(call, [edge.office]).offices}


def _freezing_edges(call: Call) -> list[ProcedureEdge]:
    edges = ProcedureEdge.objects.filter(edition=call.edition_id)
    return list(edges.filter(action="rank")) or list(edges.filter(action="decide"))


def official_call(viewer: Viewer, number: str) -> Call:
    """A call as those see it who rank, pay and look.

    Raises:
        NotFound: no such call, as far as the viewer may know.
        NotAllowed: the viewer is an applicant or an expert.
    """
    call = Call.objects.select_related("edition").filter(number=number).first()
    if call is None:
        raise _unknown(number)
    if viewer.role not in _READERS:
        raise NotAllowed(f"{number}：决策表由省、部门、财政和审计查看", code="sheet.officials_only")
    if not viewer.sees_everything and not visible_applications(viewer).filter(call=call).exists():
        raise _unknown(number)
    return call


@transaction.atomic
def show_sheet(viewer: Viewer, number: str) -> ShownSheet:
    """The frozen sheet of a call that counts; before it is frozen, what it would be now.

    Raises:
        NotFound: no such call, as far as the viewer may know.
        NotAllowed: the viewer is an applicant or an expert.
        Conflict: nothing was reviewed yet.
    """
    call = official_call(viewer, number)
    frozen = last_sheet(call)
    if frozen is not None:
        sheet = read_sheet(frozen.content)
        if sheet.digest != frozen.digest:
            raise Conflict(f"{number} 的决策表与其摘要不符：请运维核对备份", code="sheet.digest_differs")
        return ShownSheet(call, sheet, frozen)
    draft = compute_sheet(call)
    return ShownSheet(call, draft.sheet, None, (*draft.pending, *draft.unpaid))


def _unknown(number: str) -> NotFound:
    return NotFound(f"没有申报通知 {number}", code="call.unknown")
