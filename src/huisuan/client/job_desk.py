"""What the client does with many jobs, and again: cancelling with time to undo, submitting again, templates."""

from __future__ import annotations

import secrets

from huisuan.client.transport import Sending, part
from huisuan.protocol import job_desk as desk
from huisuan.protocol import resources as wire


class JobDeskCalls(Sending):
    """The firm's jobs, many at once and once more."""

    def resubmit(self, uid: str) -> wire.Job:
        """Submit a job again as it was; the new job."""
        key = {wire.IDEMPOTENCY_KEY: secrets.token_hex(16)}
        return self._one(wire.Job, "POST", f"jobs/{part(uid)}/resubmit", headers=key)

    def templates(self) -> list[desk.TemplateInfo]:
        """The firm's templates, by name."""
        return self._many(desk.TemplateInfo, "job-templates")

    def save_template(self, name: str, asked: desk.TemplateRequest) -> desk.TemplateInfo:
        """Keep a request, or that of a job, under a name; one of that name is replaced."""
        content = asked.model_dump(mode="json")
        return self._one(desk.TemplateInfo, "PUT", f"job-templates/{part(name)}", json=content)

    def delete_template(self, name: str) -> None:
        """Forget a template."""
        self._send("DELETE", f"job-templates/{part(name)}")

    def submit_template(self, name: str) -> wire.Job:
        """Submit what a template asks for."""
        key = {wire.IDEMPOTENCY_KEY: secrets.token_hex(16)}
        return self._one(wire.Job, "POST", f"job-templates/{part(name)}/submit", headers=key)
