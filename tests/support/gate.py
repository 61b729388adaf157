"""Files at the gate of open data: three people of a city, and a file walked through as they would."""

from __future__ import annotations

from datetime import UTC, datetime

from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.corpora.building import build_corpus
from huisuan.opendata.corpora.pages import CorpusRules
from huisuan.opendata.gate.judging import GivenJudgement, judge_findings
from huisuan.opendata.gate.queries import list_findings
from huisuan.opendata.gate.releasing import release_file
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.scan_work import run_scan
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.models import CatalogueEntry, CorpusBuild, DataGrant, GateFile, GateRelease, ScanWork
from huisuan.parties.models import Party, Person, Region
from support.catalogue import as_csv, code, line
from support.scanned_files import with_check_digit

NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)


def resident_ids(number: int) -> list[str]:
    """Resident IDs, each another."""
    return [
        with_check_digit(f"340104{1950 + n % 60}{n % 12 + 1:02d}{n % 28 + 1:02d}{n % 1000:03d}") for n in range(number)
    ]


def list_entry() -> str:
    """The code of an entry of the list, open."""
    import_catalogue(as_csv([line()]), "清单.csv", by="test", now=NOW)
    return code()


def steward(username: str, region: str = "340100") -> Person:
    """Somebody of a city."""
    made = Person.objects.filter(username=username).first()
    city = Region.objects.get(code=region)
    return made or Person.objects.create_person(username, None, role="city", name=username, city=city)


def scan_now(file: GateFile) -> GateFile:
    """The worker does what was asked for last."""
    run_scan(ScanWork.objects.filter(file=file).latest("id").pk, NOW)
    file.refresh_from_db()
    return file


def uploaded(content: bytes, name: str = "名单.csv", by: str = "uploader", scope: str = "") -> GateFile:
    """A file that came in and was read."""
    return scan_now(upload_file(code(), name, content, steward(by), NOW, scope))


def judge_all(file: GateFile, action: str = "mask", by: str = "judge", reason: str = "经核对") -> GateFile:
    """Every finding that is open, column by column; what was not read is dropped, what no model read a person did."""
    while left := [one for one in list_findings(file) if not one["judged"]]:
        first = left[0]
        chosen = {"unread": "drop", "unread_names": "false_alarm"}.get(first["kind"], action)
        given = GivenJudgement(first["number"], chosen, reason, column=bool(first["column"]))
        judge_findings(file.pk, given, steward(by), NOW)
    file.refresh_from_db()
    return file


def remade(file: GateFile, by: str = "judge", part: str = "") -> GateFile:
    """The product is made and scanned."""
    remake_file(file.pk, steward(by), NOW, part)
    return scan_now(file)


def released(content: bytes, name: str = "名单.csv", **said: str) -> list[GateRelease]:
    """Its products, out: uploaded, masked, remade and released by three people of Hefei; `said` is of its entry."""
    import_catalogue(as_csv([line(**said)]), "清单.csv", by="test", now=NOW)
    file = remade(judge_all(uploaded(content, name)))
    return release_file(file.pk, steward("releaser"), NOW)


def built_corpus() -> CorpusBuild:
    """A corpus of the texts of the entry of `list_entry`, open to everyone."""
    if not GateRelease.objects.exists():
        released("正文,车位数\n".encode() + b"".join(f"lot {n},{n * n}\n".encode() for n in range(9)))
    return build_corpus("briefs", "briefs", [code()], CorpusRules("any", shortest=1), steward("maker"), NOW)


def at_the_gate(party: Party) -> None:
    """A file that is released, one to be judged, of the entry that `list_entry` lists; and a grant of a firm's."""
    built_corpus()
    uploaded("名称,车位数\nlot 1,13912345678\n".encode())
    DataGrant.objects.create(
        entry=CatalogueEntry.objects.get(code=code()), party=party, purpose="x", licence="x", terms="x", ground="x",
        starts_on=NOW.date(), ends_on=NOW.date(), given_by=steward("releaser"), given_at=NOW,
    )  # fmt: skip
