"""What goes over the wire, once for both sides: integers with their units, times as ISO 8601."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

JobStateName = Literal["submitted", "waiting", "placed", "queued", "running", "done", "failed", "cancelled", "lost"]
IDEMPOTENCY_KEY = "Idempotency-Key"  # the header that makes a submission, sent again, the same one
_FINAL = ("done", "failed", "cancelled", "lost")


class ResponseModel(BaseModel):
    """A message; what the other side adds in a later version is kept, not refused."""

    model_config = ConfigDict(extra="allow")


class RequestModel(BaseModel):
    """A request; an unknown field is a mistake and refused."""

    model_config = ConfigDict(extra="forbid")


# --- signing in


CODE_WANTED = 428  # the status of a login that lacks the code of the second factor
ScopeName = Literal["read", "submit", "manage"]


class Credentials(RequestModel):
    """A person's name and password, with the code of the second factor where there is one, exchanged for a token."""

    username: str = Field(max_length=80)
    password: str = Field(max_length=1000)
    code: str = Field(default="", max_length=40, description="两步验证的验证码，或一个恢复码")
    label: str = Field(default="huisuan login", max_length=40)
    scope: ScopeName = "submit"
    days: int = Field(default=90, ge=1, le=365, description="有效期，天")


class Identity(ResponseModel):
    """Whom a token stands for."""

    role: str
    name: str
    party: str | None = Field(default=None, description="统一社会信用代码")
    city: str | None = None
    scope: str = "manage"
    member_role: str = Field(default="", description="在本单位的角色：owner、submitter、viewer；使用方以外为空")
    project: str | None = Field(default=None, description="令牌所限的项目")


class Granted(Identity):
    """A new token; its secret is shown this once."""

    token: str
    expires_at: AwareDatetime | None = None


# --- jobs


class JobRequest(RequestModel):
    """A job to run: a `command` (a list of words that no shell sees) or a `script` (a file with its line #!).

    `cards` are the accelerators of the whole job, on `nodes` nodes evenly; where none is asked for, it holds one device
    on each node, and a trial machine's processor slot will do. Which cards will do: any of `models`, of `vendor`, with
    at least so much memory and so many dense TFLOPS at FP16. `array`: one job for each index. `after`: uids that must
    be done first. Money in fen.
    """

    command: list[str] = Field(default_factory=list)
    script: str = ""
    image: str = Field(default="", description="容器镜像；只有运行容器的执行引擎可用")
    name: str = ""
    environment: dict[str, str] = Field(default_factory=dict)
    workdir: str | None = Field(default=None, description="已上传的工作目录（tar.gz）的 SHA-256")
    outputs: str = Field(default="", description="结果文件夹，在工作目录里的相对路径：作业结束后由中心保留，可取回")
    cards: int | None = Field(default=None, description="整个作业的加速卡数；不写：每个节点一张，处理器槽也可以")
    nodes: int = 1
    model: str | None = Field(default=None, description="只接受一种型号时的简写")
    models: list[str] = Field(default_factory=list, description="可接受的型号；空：任何型号")
    vendor: str | None = None
    min_memory_gib: int = 0
    min_tflops_fp16: Decimal = Decimal(0)
    centre: str | None = Field(default=None, description="只在这个中心")
    city: str | None = Field(default=None, description="只在这个市（行政区划代码或名称）")
    data_at: str | None = Field(default=None, description="数据所在：中心代码，或市")
    price_ceiling_fen: int | None = Field(default=None, description="每卡时最高价，分，补助前")
    deadline: AwareDatetime | None = None
    time_limit_seconds: int = 3600
    retries: int = 0
    array: list[int] = Field(default_factory=list, description="阵列下标；空：单个作业")
    after: list[str] = Field(default_factory=list, description="先完成这些作业")
    notify_url: str = Field(default="", description="状态变化时通知的网址（webhook）")
    party: str | None = Field(default=None, description="统一社会信用代码；只有专班可替主体提交")
    project: str | None = Field(default=None, description="项目代码；不写则归单位的默认项目，或令牌的项目")
    source_format: Literal["huisuan", "sbatch", "skypilot", "kubernetes"] = "huisuan"
    notes: list[str] = Field(default_factory=list, description="原文件中不能照搬的内容")

    @property
    def devices(self) -> int:
        """What the whole job holds: its cards, or one device on each node where it asks for none."""
        return self.nodes if self.cards is None else self.cards


class Job(ResponseModel):
    """A job and where it stands. Of its environment only the names are shown."""

    uid: str
    name: str
    party: str
    party_name: str
    project: str | None = Field(default=None, description="项目代码")
    submitted_by: str
    array_uid: str
    array_index: int | None
    command: list[str]
    script: str
    image: str
    environment: list[str]
    workdir: str | None
    outputs: str = ""
    cards: int
    nodes: int
    models: list[str]
    vendor: str
    min_memory_gib: int
    min_tflops_fp16: str
    model: str | None = Field(description="分到的型号")
    time_limit_seconds: int
    retries: int
    run: int
    after: list[str]
    deadline: AwareDatetime | None
    price_ceiling_fen: int | None
    fen_per_card_hour: int | None
    centre: str | None
    wanted_centre: str | None
    wanted_city: str | None
    data_at: str | None
    reasons: list[str]
    notes: list[str]
    source_format: str
    state: JobStateName
    submitted_at: AwareDatetime
    placed_at: AwareDatetime | None
    queued_at: AwareDatetime | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    cancel_requested_at: AwareDatetime | None
    exit_code: int | None

    @property
    def final(self) -> bool:
        """Whether the job is over."""
        return self.state in _FINAL


class JobPage(ResponseModel):
    """Some jobs, newest first; `next` continues (as `before`), None at the end."""

    items: list[Job]
    next: str | None


class ArrayInfo(ResponseModel):
    """How many jobs of an array are in which state; `uid` is the array's name, that of its first job."""

    uid: str
    count: int
    states: dict[JobStateName, int]

    @property
    def final(self) -> bool:
        """Whether all of them are over."""
        return all(state in _FINAL for state in self.states)


class JobEvent(ResponseModel):
    """A step in a job's life. `tries`, `notified_at`: of telling its webhook, where it has one."""

    id: int
    at: AwareDatetime
    run: int
    state: JobStateName
    centre: str | None
    text: str
    tries: int
    notified_at: AwareDatetime | None


class UploadInfo(ResponseModel):
    """A working directory that the platform has: a tar.gz of `size` bytes, named by its SHA-256."""

    sha256: str
    size: int
    uploaded_at: AwareDatetime


class LogPiece(ResponseModel):
    """Output of a job from an offset on; `complete`: the job is over and nothing follows."""

    text: bytes
    next_offset: int
    complete: bool


# --- centres


class CardPool(ResponseModel):
    """Cards of one model at a centre; price in fen per card-hour today, None where none is set."""

    model: str
    cards: int
    free: int
    fen_per_card_hour: int | None


class CentreInfo(ResponseModel):
    """A centre as its users see it; `pools` are the cards that the platform's jobs may use there."""

    code: str
    name: str
    city: str
    engine: str
    online: bool
    capacity_p: str = Field(description="P：稠密 FP16 PFLOPS")
    pools: list[CardPool]


# --- usage, entitlements, the law: money is an integer number of fen


class UsageRecord(ResponseModel):
    """One run of one job on cards of one model; centre/sequence is its name."""

    centre: str
    sequence: int
    supersedes: int | None
    job_id: str
    run: int
    user: str
    account: str
    party: str | None
    partition: str
    model: str
    requested_cards: int | None
    cards: int
    card_seconds: int
    start: AwareDatetime
    end: AwareDatetime
    suspended_seconds: int
    state: str


class UsagePage(ResponseModel):
    """Some usage records; `next` continues (as `after`), None at the end."""

    items: list[UsageRecord]
    next: str | None
