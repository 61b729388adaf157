"""English is complete: every text is translated, the compiled catalogue is the written one, no Chinese is left."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.urls import reverse

from support.gettext_catalogue import CATALOGUE, used
from support.portal import World

CHINESE = re.compile(r"[\u4e00-\u9fff]")
HOLES = re.compile(r"%\(\w+\)s|\{\w+\}|<\w+>")


#: Chinese has one form, English two: a number before a word that ends in s is counted with ngettext, but for these
COUNTED = re.compile(r"(?:%\(n\)s|\{n\}) (?:[a-z-]+ )?[a-z]+s\b")
NEVER_ONE = {
    "%(n)s 个节点": "shown of several nodes only",
    "只在这 %(n)s 行里找过": "a stretch of thousands of rows",
    "推演样本（随机生成": "of ten thousand parties",
}


def written() -> dict[tuple[str, str], tuple[str, ...]]:
    with CATALOGUE.open("rb") as file:
        return _texts(read_po(file))


def _texts(catalogue: Catalog) -> dict[tuple[str, str], tuple[str, ...]]:
    """(context, text) -> English; two of them where something is counted."""
    found = {}
    for each in catalogue:
        if each.id:
            counted = not isinstance(each.id, str)
            text, english = (each.id[0], tuple(each.string)) if counted else (each.id, (str(each.string),))
            found[_words(each.context), str(text)] = english
    return found


def _words(context: str | bytes | None) -> str:
    """A context; the compiled catalogue has its bytes."""
    return context.decode() if isinstance(context, bytes) else context or ""


def test_every_text_of_the_pages_has_its_english_and_no_other_is_kept() -> None:
    assert set(written()) == used()
    assert [text for text, english in written().items() if not all(english) or CHINESE.search("".join(english))] == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = _texts(read_mo(file))
    assert compiled == written()


def test_translations_keep_what_is_filled_in() -> None:
    for (_context, text), english in written().items():
        for form in english:
            assert sorted(HOLES.findall(text)) == sorted(HOLES.findall(form)), text


def test_what_is_counted_has_its_english_for_one_and_for_many() -> None:
    single = {text: forms for (_context, text), forms in written().items() if len(forms) == 1}
    counted = {text.partition("，")[0] for text, forms in single.items() if COUNTED.search(forms[0])}
    assert counted == set(NEVER_ONE)
    assert [forms for forms in written().values() if len(forms) == 2 and forms[0] == forms[1]] == []


@pytest.mark.django_db
def test_a_button_asks_and_a_column_tells(world: World) -> None:
    shown = world.browser("alpha", "en").get(reverse("submit-job")).content.decode()
    assert ">Submit</button>" in shown
    assert ">Submitted</button>" not in shown
    assert "Submitted" in world.browser("alpha", "en").get(reverse("jobs")).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("route", ["home", "jobs", "usage", "bills", "entitlements", "centres", "runs", "policies"])
def test_in_english_only_names_and_the_law_stay_chinese(world: World, route: str) -> None:
    for who in ("alpha", "province"):
        answer = world.browser(who, "en").get(reverse(route))
        if answer.status_code == 403:
            continue
        page = answer.content.decode()
        for kept in ("中文", *names(world)):
            page = page.replace(kept, "")
        page = re.sub(r'<(\w+)[^>]* lang="zh-hans"[^>]*>.*?</\1>', "", page, flags=re.S)
        assert CHINESE.findall(page) == [], CHINESE.search(page)


def names(world: World) -> list[str]:
    """What has no English name: people, parties, centres, what users wrote."""
    from huisuan.compute.models import Centre, Job
    from huisuan.parties.models import Party, Person

    found = [
        *Party.objects.values_list("name", flat=True),
        *Centre.objects.values_list("name", flat=True),
        *Person.objects.values_list("name", flat=True),
        *Job.objects.values_list("name", flat=True),
        world.run.requested_by,
    ]
    return sorted(found, key=len, reverse=True)


@pytest.mark.parametrize("status", ["not_in_force", "not_eligible", "not_set", "eligible", "broken"])
def test_why_a_job_brings_no_subsidy_is_said_in_the_reader_s_language(status: str) -> None:
    from django.utils import translation

    from huisuan.portal.ui.state_labels import no_subsidy

    with translation.override("en"):
        assert not CHINESE.search(no_subsidy(status, "2.2"))
    with translation.override("zh-hans"):
        assert CHINESE.search(no_subsidy(status, "2.2"))
