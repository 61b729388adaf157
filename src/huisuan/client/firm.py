"""What the client does with a firm: members, invitations, projects, budgets, use."""

from __future__ import annotations

from huisuan.client.transport import Sending, given, part
from huisuan.protocol import firm as wire


class FirmCalls(Sending):
    """The firm of the token's owner."""

    # --- members

    def members(self) -> list[wire.MemberInfo]:
        """Everybody of the firm."""
        return self._many(wire.MemberInfo, "members")

    def set_member_role(self, username: str, member_role: wire.MemberRoleName) -> wire.MemberInfo:
        """Another role for a colleague."""
        asked = wire.MemberRoleRequest(member_role=member_role)
        return self._one(wire.MemberInfo, "POST", f"members/{part(username)}/role", json=asked.model_dump())

    def remove_member(self, username: str, jobs: str) -> wire.Removal:
        """End a colleague's access; `jobs` says what becomes of those that are not over: keep or cancel."""
        return self._one(wire.Removal, "POST", f"members/{part(username)}/remove", json={"jobs": jobs})

    def restore_member(self, username: str) -> wire.MemberInfo:
        """Let a removed colleague come in again."""
        return self._one(wire.MemberInfo, "POST", f"members/{part(username)}/restore")

    def invitations(self) -> list[wire.InvitationInfo]:
        """The invitations that nobody has used yet."""
        return self._many(wire.InvitationInfo, "invitations")

    def invite(self, member_role: wire.MemberRoleName, note: str = "", days: int = 7) -> wire.InvitationInfo:
        """A one-time link for a colleague."""
        asked = wire.InvitationRequest(member_role=member_role, note=note, days=days)
        return self._one(wire.InvitationInfo, "POST", "invitations", json=asked.model_dump())

    def revoke_invitation(self, number: int) -> wire.InvitationInfo:
        """End an invitation."""
        return self._one(wire.InvitationInfo, "POST", f"invitations/{number}/revoke")

    # --- projects and budgets

    def projects(self) -> list[wire.ProjectInfo]:
        """The firm's projects."""
        return self._many(wire.ProjectInfo, "projects")

    def new_project(self, code: str, name: str) -> wire.ProjectInfo:
        """A new project."""
        return self._one(wire.ProjectInfo, "POST", "projects", json={"code": code, "name": name})

    def close_project(self, code: str) -> wire.ProjectInfo:
        """Take no new jobs for a project."""
        return self._one(wire.ProjectInfo, "POST", f"projects/{part(code)}/close")

    def reopen_project(self, code: str) -> wire.ProjectInfo:
        """Take jobs for a project again."""
        return self._one(wire.ProjectInfo, "POST", f"projects/{part(code)}/reopen")

    def budgets(self) -> list[wire.BudgetInfo]:
        """The firm's budgets and how they stand."""
        return self._many(wire.BudgetInfo, "budgets")

    def set_budget(self, asked: wire.BudgetRequest) -> wire.BudgetInfo:
        """A limit of a project, or of the whole firm."""
        return self._one(wire.BudgetInfo, "POST", "budgets", json=asked.model_dump())

    def end_budget(self, number: int) -> None:
        """Limit no more by a budget."""
        self._send("POST", f"budgets/{number}/end")

    def firm_use(self, *, month: str | None = None, year: int | None = None) -> wire.FirmUse:
        """The firm's use by person and project in a month or a year."""
        return self._one(wire.FirmUse, "GET", "use", params=given(month=month, year=year))

    def forecast(self) -> wire.ForecastInfo:
        """The firm's year so far and at its end, with the law's answer to each."""
        return self._one(wire.ForecastInfo, "GET", "forecast")

    def statement(self, month: str, form: str) -> bytes:
        """The firm's statement of a month as a file: xlsx, pdf or focus."""
        return self._send("GET", f"statements/{part(month)}/{part(form)}").content
