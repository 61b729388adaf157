"""The policy page shows how each programme is carried out: the sentences and the drawing of the declared steps."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from huisuan.law.policy import load_policy, suggested_names
from huisuan.law.procedure import programme_sentences

pytestmark = pytest.mark.django_db
LAW = load_policy("anhui-agi-2023")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_programme_stands_under_its_sentence_with_its_steps_and_its_drawing(language: str) -> None:
    client = Client()
    client.cookies["django_language"] = language
    page = client.get(f"/policies/{LAW.name}").content.decode()
    assert page.count('<details class="procedure') == len(LAW.programmes)
    adopted = LAW.adopted(LAW.valid_to, LAW.valid_to)
    for spec in LAW.programmes:
        block = page.split(f'id="p{spec.key}"', 1)[1].split("</details>", 1)[0]
        assert block.count("<li>") == len(programme_sentences(spec, adopted, suggested=suggested_names(adopted)))
        assert block.count('role="img"') == 1
        assert spec.digest in block
    assert page.count('<marker id="end-of-') == len({spec.key for spec in LAW.programmes})
    shown = html.unescape(page)
    assert ("核验通过" if language == "zh-hans" else "may check") in shown
