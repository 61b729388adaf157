"""What people do with many jobs, and again: cancelling by filter with time to undo, submitting again, templates."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from huisuan.protocol.resources import JobRequest, RequestModel, ResponseModel


class CancelRequest(RequestModel):
    """Jobs to be cancelled: by their uids, or all of a filter that are not over; something must be named."""

    uids: list[str] = Field(default_factory=list, max_length=1000)
    state: str | None = Field(default=None, description="一种或几种状态，逗号分隔")
    name: str | None = Field(default=None, description="作业名中的一段")
    centre: str | None = None
    model: str | None = None
    array: str | None = Field(default=None, description="阵列的第一个作业号")
    project: str | None = Field(default=None, description="项目代码；不止一家单位可见的人还要写 party")
    party: str | None = Field(default=None, description="使用方的统一社会信用代码")


class CancelHold(ResponseModel):
    """A cancel that is held until `due_at` and can be undone until then; afterwards it is sent.

    `over`: uids that were asked for and had ended already.
    """

    id: int
    uids: list[str]
    over: list[str] = []
    asked_by: str
    asked_at: AwareDatetime
    due_at: AwareDatetime
    undone_at: AwareDatetime | None
    sent_at: AwareDatetime | None


class TemplateRequest(RequestModel):
    """What to keep under a name: a request, or that of a job (`from_job`)."""

    request: JobRequest | None = None
    from_job: str | None = Field(default=None, description="作业号：照它存")


class TemplateInfo(ResponseModel):
    """A template of the firm. Of the environment in `request` only the names are shown, their values are kept."""

    name: str
    made_by: str
    made_at: AwareDatetime
    request: JobRequest
