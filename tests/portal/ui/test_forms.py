"""One template part renders the input of every field: what was typed to the letter, and tied to its hint and errors."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from huisuan.portal.ui.forms import Choice, FormField, Widget, choices, with_errors

HOSTILE = '"><script>alert(1)</script> &amp; 四'
ESCAPED = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; 四"


def rendered(field: FormField, **context: Any) -> str:
    return render_to_string("portal/input.html", {"field": field, **context}).strip()


@pytest.mark.parametrize("widget", [Widget.LINE, Widget.LINES])
def test_what_was_typed_stands_in_the_box_to_the_letter_and_escaped(widget: Widget) -> None:
    html = rendered(FormField(name="f.x", label="x", widget=widget, text=HOSTILE))
    assert html.count(ESCAPED) == 1
    assert "<script>" not in html


@pytest.mark.parametrize("widget", [Widget.LINE, Widget.LINES, Widget.SELECT])
def test_a_field_in_error_is_marked_and_tied_to_what_is_said_about_it(widget: Widget) -> None:
    field = FormField(name="n", label="n", widget=widget, id="f-n", described_by="h-n", errors=("应是整数",))
    html = rendered(field)
    assert all(part in html for part in ('id="f-n"', 'aria-describedby="h-n"', 'aria-invalid="true"'))
    assert "aria-invalid" not in rendered(FormField(name="n", label="n", widget=widget))


@pytest.mark.parametrize("widget", [Widget.SELECT, Widget.RADIOS])
def test_one_choice_at_most_is_chosen_and_the_blank_one_where_nothing_is(widget: Widget) -> None:
    chosen = "selected" if widget is Widget.SELECT else "checked"
    options = [("yes", "是"), ("no", "否")]
    for text in ("yes", ""):
        field = FormField(name="n", label="n", widget=widget, text=text, choices=choices(options, text), blank="不知道")
        html = rendered(field)
        assert "不知道" in html
        # an option of a list that nobody selected is the first one by itself
        assert html.count(chosen) == (0 if widget is Widget.SELECT and not text else 1)
        assert f'value="{text}"' in html


def test_several_boxes_can_be_ticked() -> None:
    ticked = (Choice("1", "甲", True), Choice("2", "乙", False), Choice("3", "丙", True, "（现行）"))
    html = rendered(FormField(name="r", label="r", widget=Widget.CHECKBOXES, choices=ticked))
    assert (html.count('type="checkbox"'), html.count(" checked")) == (3, 2)
    assert '<span class="quiet">（现行）</span>' in html


def test_what_stands_around_a_field_does_not_leak_into_it() -> None:
    html = rendered(FormField(name="n", label="n"), label="a draft's name", code="hf", option_class="option")
    assert html == '<input type="text" name="n" value="">'


def test_the_summary_lists_the_fields_in_error_in_the_order_of_the_form() -> None:
    fields = [FormField(name=str(number), label="", errors=("x",) * (number % 2)) for number in range(5)]
    assert [field.name for field in with_errors(fields)] == ["1", "3"]
