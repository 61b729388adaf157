"""What agent and platform exchange about a run's files: the platform asks, the agent answers with its next request.

Nothing here is remembered by the agent: a question without an answer is asked again with every reply. Paths as in
`file_names`, relative to the area.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, Base64Bytes, BeforeValidator, Field

from huisuan.protocol.resources import RequestModel, ResponseModel

Area = Literal["outputs", "workdir"]  # the results folder that the job declared; the folder in which it started
Action = Literal["list", "read", "hash"]
FILE_PIECE_BYTES = 4 * 1024 * 1024  # of a file, in one answer
ANSWERED_BYTES = 8 * 1024 * 1024  # of files, in one request of the agent; each holds it several times over
LISTED = 1000  # entries in one answer
LISTED_BYTES = 1024 * 1024  # of a list, as it is sent: names of a thousand entries can be of 16 KiB each


def _on_one_line(text: object) -> object:
    """Control characters as spaces: an agent of an earlier version may send some, and is not refused for that."""
    return re.sub(r"[\x00-\x1f]", " ", text) if isinstance(text, str) else text


AgentRemark = Annotated[str, BeforeValidator(_on_one_line), Field(pattern=r"^[^\x00-\x1f]*$")]
PathText = Annotated[str, Field(max_length=16_384)]
_Whole = Annotated[int, Field(ge=0, lt=2**63)]  # a sparse file can be of any size that Linux knows


class FileQuestion(ResponseModel):
    """A question about the files of one run; `version` (of a file, as an answer gave it): of no other one.

    `folder` is where in the working directory the results are, as the job declared. `after`: of a list, the last path
    known; `deep`: with all that lies below.
    """

    id: int
    uid: str
    run: int
    area: Area
    folder: str = ""
    action: Action
    path: str = ""
    after: str = ""
    deep: bool = False
    offset: int = 0
    length: int = 0
    version: str = ""


class FileEntry(RequestModel):
    """A file, folder, link or something else (a pipe, a device), with its path in its area; `size` in bytes."""

    path: PathText
    kind: Literal["file", "folder", "link", "other"]
    size: _Whole = 0
    modified_at: AwareDatetime | None = None
    version: str = Field(default="", max_length=120, pattern=r"^[0-9a-z-]*$", description="of a file")
    target: PathText = Field(default="", description="of a link, as it is written there; it is never followed")


class FileAnswer(RequestModel):
    """The answer to a question, or why there is none (`problem`, with the agent's words in `message`)."""

    id: int = Field(ge=1, lt=2**62)
    problem: Literal["", "missing", "link", "special", "folder", "file", "changed", "unreadable", "bad_path"] = ""
    message: AgentRemark = Field(
        default="", max_length=1000, description="why there is none; of a list, which folders are not listed, and why"
    )
    entries: list[FileEntry] = Field(default_factory=list, max_length=LISTED)
    more: bool = Field(default=False, description="of a list: there are entries after the last one")
    size: _Whole = Field(default=0, description="of the whole file, bytes")
    version: str = Field(default="", max_length=120, pattern=r"^[0-9a-z-]*$")
    content: Base64Bytes = b""
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")


class OutputsReport(RequestModel):
    """What the agent keeps of a run's results once the run is over: how much, until when."""

    uid: str = Field(max_length=32)
    run: int = Field(ge=0, lt=2**15)
    files: _Whole
    size: _Whole = Field(description="bytes, all files together")
    kept_until: AwareDatetime
    over_quota: bool = Field(default=False, description="larger than what the centre keeps: gone after a day")
    note: AgentRemark = Field(default="", max_length=500)
