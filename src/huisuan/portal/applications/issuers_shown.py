"""Who issued the files of an application, as its page shows it, and whether the reader may say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, EvidenceIssuer
from huisuan.programmes.workflow.permission import Permissions


@dataclass(frozen=True)
class FileIssuer:
    """A file that was handed in; `issuer` None: nobody has said who issued it."""

    sha256: str
    filename: str
    issuer: EvidenceIssuer | None


@dataclass(frozen=True)
class IssuersShown:
    """Every file of an application once; `says`: the reader may say who issued one."""

    files: tuple[FileIssuer, ...]
    says: bool

    @property
    def unsaid(self) -> list[FileIssuer]:
        """Those of which nobody has said it."""
        return [one for one in self.files if one.issuer is None]


def read_issuers(application: Application, person: Person, now: datetime) -> IssuersShown:
    """What there is of it."""
    said = {one.sha256: one for one in application.evidence_issuers.select_related("by")}
    names = {file["sha256"]: str(file["filename"]) for made in application.submissions.all() for file in made.evidence}
    files = tuple(FileIssuer(sha256, name, said.get(sha256)) for sha256, name in names.items())
    permissions = Permissions.load(person, Duty.CHECK.value, "", [application], now)
    return IssuersShown(files, bool(files) and permissions.ask_duty(application) is None)
