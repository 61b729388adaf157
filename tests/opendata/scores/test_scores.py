"""How open offices are: by hand, with ties, and down to the entries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.scores.formula import load_formula
from huisuan.opendata.scores.office_facts import EntryFacts, OfficeFacts
from huisuan.opendata.scores.queries import freeze_openness, list_office_facts
from huisuan.opendata.scores.ranking import rank_offices
from support.catalogue import as_csv, code, line

DAY = date(2026, 9, 30)
NOON = datetime(2026, 9, 30, 4, tzinfo=UTC)


def _entry(number: int, delivered: date | None, frequency: str = "half_yearly") -> EntryFacts:
    return EntryFacts(f"E{number}", "open", "table", frequency, True, True, True, delivered, 1)


def test_offices_rank_with_ties_and_a_late_half_year_costs_its_points() -> None:
    """Two equal ones share the second place, the next is fourth; the promise 每半年 is kept on its last day only."""
    last_good = DAY - timedelta(days=184)
    offices = [
        OfficeFacts("340100", "及时", (_entry(1, last_good),), {}),
        OfficeFacts("340200", "迟一天", (_entry(2, last_good - timedelta(days=1)),), {}),
        OfficeFacts("340300", "也迟", (_entry(3, last_good - timedelta(days=9)), _entry(4, DAY, "once")), {}),
        OfficeFacts("340400", "没有文件", (_entry(5, None),), {"overdue": (7,)}),
    ]
    ranked = rank_offices(offices, load_formula(), DAY)
    assert [(one.department, one.score, one.rank) for one in ranked] == [
        ("及时", 100, 1), ("迟一天", 85, 2), ("也迟", 85, 2), ("没有文件", 70, 4),
    ]  # fmt: skip
    assert ranked[2].failing == {"in_time": ["E3"]}
    assert ranked[3].failing == {"delivered": ["E5"], "machine_readable": ["E5"], "answered": ["7"]}
    assert [(one.best_rank, one.worst_rank) for one in ranked] == [(1, 1), (1, 2), (1, 2), (4, 4)]


def test_a_formula_must_give_each_criterion_whole_points_and_name_its_authority(tmp_path: Path) -> None:
    good = load_formula()
    assert sum(good.points.values()) == 100
    assert good.suggested
    file = tmp_path / "formula.toml"
    for text, refusal in (
        ("authority = ''\n[points]\nlisted = 1", "score.formula_incomplete"),
        ("authority = '皖数〔2026〕1号'\n[points]\nlisted = 1", "score.formula_incomplete"),
        ("authority =", "score.formula_unreadable"),
        (
            "authority = '皖数〔2026〕1号'\n[points]\n" + "\n".join(f"{one} = 1.5" for one in good.points),
            "score.formula_points",
        ),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidRequest) as refused:
            load_formula(file)
        assert refused.value.code == refusal


@pytest.mark.django_db
def test_the_frozen_scores_say_what_they_follow_from_and_can_be_recomputed() -> None:
    """From a list as a department sends it, of which no file is out; the digest is of all that is said."""
    lines = [line(1), line(2, region="340200", department="芜湖市数据局", summary="")]
    import_catalogue(as_csv(lines), "list.csv", by="test", now=datetime(2026, 9, 1, tzinfo=UTC))
    frozen = freeze_openness(load_formula(), datetime(2026, 9, 30, tzinfo=UTC))
    assert [(one["region"], one["score"], one["rank"]) for one in frozen["cities"]] == [
        ("340100", 70, 1), ("340200", 65, 2),
    ]  # fmt: skip
    assert frozen["cities"][1]["failing"]["summarised"] == [code(2)]
    assert frozen["cities"][0]["failing"]["delivered"] == [code(1)]
    assert sum(one["points"] for one in frozen["formula"]["criteria"]) == 100
    digest = frozen.pop("sha256")
    assert digest == text_sha256(canonical(frozen))


@pytest.mark.django_db
def test_only_a_link_of_another_office_is_a_use() -> None:
    lines = [line(1, links=code(2)), line(2), line(3, department="合肥市数据局", links=code(1))]
    import_catalogue(as_csv(lines), "list.csv", by="test", now=datetime(2026, 9, 1, tzinfo=UTC))
    uses = {entry.code: entry.uses for office in list_office_facts(NOON) for entry in office.entries}
    assert uses == {code(1): 1, code(2): 0, code(3): 0}
