"""A result of any size passes in bounded memory: agent, platform and client, over a sparse file of 64 GiB."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.db import close_old_connections, connection, transaction

from huisuan.base.allocator import return_large_blocks
from huisuan.client.part_file import PartFile
from huisuan.compute.jobs.files.queries import make_question, piece
from huisuan.compute.jobs.files.requests import Asker, open_questions, take_answers
from huisuan.compute.models import Centre, FileRequest, Job
from huisuan.compute.site_agent.files.answering import FileDesk
from huisuan.compute.site_agent.files.kept import KeptOutputs, Quota
from huisuan.protocol.agent import SyncRequest
from huisuan.protocol.agent_files import FILE_PIECE_BYTES
from huisuan.protocol.job_files import FilePiece
from support.jobs import NOON, Voice, centre, eventually, party

pytestmark = pytest.mark.django_db(transaction=True)
MIB, GIB = 2**20, 2**30
SIZE = 64 * GIB
WARM, MORE = 8, 30  # pieces of 4 MiB: until every buffer was there once, and those that must add nothing
MOST_GROWTH = 32 * MIB  # over the 120 MiB that follow, each of which would be held if pieces were kept


def peak() -> int:
    """The highest resident set of this process so far, in bytes."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


class Chain:
    """Agent, platform and client of one file, as they exchange it; only the network between them is left out."""

    def __init__(self, folder: Path, asker: Asker, request: SyncRequest) -> None:
        (folder / "work").mkdir()
        with (folder / "work" / "big").open("wb") as file:
            file.truncate(SIZE)
        self.asker, self.request, self.said = asker, request, list[str]()
        self.desk = FileDesk(KeptOutputs(folder, Quota()), lambda *_: folder / "work", self.said.append)
        self.part = PartFile(folder / "parts", "big")

    def take(self, now: datetime) -> None:
        """The next piece, from the agent's disk to the client's."""
        asked = make_question(
            self.asker, "workdir", "read", "big", offset=self.part.size, length=FILE_PIECE_BYTES,
            version=self.part.version,
        )  # fmt: skip
        found: FilePiece | None = None
        while found is None:
            found = piece(self.asker, asked, now, ahead=4 if asked.version else 0)
            if found is None:
                self.exchange(now)
        self.part.append(found.content, found.version, found.size)

    def exchange(self, now: datetime) -> None:
        """One request of the agent, as it is sent and received."""
        questions = open_questions(self.asker.centre, now)
        self.desk.take(questions)
        sent = eventually(self.desk.answers)
        body = self.request.model_copy(update={"files": sent}).model_dump_json(exclude_defaults=True).encode()
        with transaction.atomic():
            take_answers(self.asker.centre, SyncRequest.model_validate_json(body).files, now)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    made = centre()
    voice = Voice(made)
    voice.says()
    job = Job.objects.create(
        uid="0" * 26, party=party(), submitted_by="x", name="x", cards=1, centre=made, submitted_at=NOON, lease=1,
        accelerator=made.partitions.get().accelerator,
    )  # fmt: skip
    found = Chain(tmp_path, Asker(job, 0, Centre.objects.get(), "r"), voice.request(NOON))
    yield found
    found.desk.take([])


def test_a_huge_file_takes_no_more_memory_however_far_it_has_come(
    chain: Chain,
) -> None:
    assert return_large_blocks() == sys.platform.startswith("linux")
    for _ in range(WARM):
        chain.take(NOON)
    before = peak()
    for _ in range(MORE):
        chain.take(NOON)
    grown = peak() - before
    assert chain.part.size == (WARM + MORE) * FILE_PIECE_BYTES
    assert chain.said == []
    assert FileRequest.objects.filter(answered_at__isnull=False).count() <= 5  # what was asked ahead, no more
    assert grown < MOST_GROWTH, f"{grown / MIB:.0f} MiB"


def test_a_piece_leaves_no_connection_with_its_buffers_behind(chain: Chain) -> None:
    close_old_connections()
    assert connection.connection is not None  # what brought nothing large is kept
    chain.take(NOON)  # taken in here, and given out
    close_old_connections()  # as Django does at the end of a request, and a download after each step
    assert connection.connection is None
    assert FileRequest.objects.count() <= 5  # the next question opens another
