"""Interactive sessions over the wire: what is asked for, how it stands, how one gets in."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from huisuan.protocol.resources import JobStateName, RequestModel, ResponseModel

SessionKindName = Literal["jupyter", "vscode", "shell"]


class SessionRequest(RequestModel):
    """A session to start: a job that lasts `seconds` at most and ends `idle_seconds` after it was last used.

    Without `cards` a trial machine's processor slot will do. `prepare` is run by bash before the program, to make it
    available on the node (`module load`, `source …/activate`).
    """

    kind: SessionKindName
    seconds: int = Field(default=7200, ge=60, le=7 * 86_400, description="至多多久，秒")
    idle_seconds: int = Field(default=1800, ge=60, le=7 * 86_400, description="没人用也没在算，多少秒后自动结束")
    prepare: str = Field(
        default="", max_length=4000, pattern=r"^[^\x00]*$", description="启动前在节点上由 bash 执行的命令"
    )
    name: str = ""
    cards: int | None = None
    models: list[str] = Field(default_factory=list)
    centre: str | None = None
    city: str | None = None
    price_ceiling_fen: int | None = None
    workdir: str | None = Field(default=None, description="已上传的工作目录的 SHA-256")
    environment: dict[str, str] = Field(default_factory=dict)
    party: str | None = Field(default=None, description="统一社会信用代码；只有专班可替主体提交")
    project: str | None = Field(default=None, description="项目代码；不写则归单位的默认项目，或令牌的项目")


class Session(ResponseModel):
    """A session and how its job stands. `ready`: its program answers, it can be opened."""

    uid: str
    kind: SessionKindName
    name: str
    owner: str
    state: JobStateName
    ready: bool
    centre: str | None
    model: str | None
    cards: int
    fen_per_card_hour: int | None
    seconds: int = Field(description="至多多久，秒")
    idle_seconds: int
    submitted_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    reasons: list[str]

    @property
    def final(self) -> bool:
        """Whether it is over."""
        return self.state in ("done", "failed", "cancelled", "lost")


class SessionTicket(ResponseModel):
    """A way in, good once and for a minute: an address for a browser, or a bearer token for a command line."""

    url: str = Field(description="浏览器用：一次有效")
    ticket: str = Field(description="命令行用：一次有效")
    relay: str = Field(description="命令行连到哪里：网址，或平台主机的 :端口")
    expires_at: AwareDatetime
