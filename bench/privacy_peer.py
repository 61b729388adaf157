"""The peers of bench/privacy.py, each in an environment of its own (.venv-privacy, setup/privacy.sh).

Reads {"tool": "presidio" | "presidio-bare" | "jionlp" | "jieba", "lines": [...]} as JSON from stdin; prints the
version, processor seconds and what was found, by line: kind, first and last place. Importing and loading are not
measured.

Presidio runs the patterns that are usual for Chinese kinds, MOD 11-2 and Luhn as validators, beside its own recognisers
for any language, as it is set up; `presidio-bare` without these. Both run on spaCy's blank pipeline for Chinese, which
costs least. JioNLP runs its own extractors.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

Found = list[tuple[str, int, int]]
_PATTERNS = {
    "resident_id": r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)",
    "mobile": r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)",
    "landline": r"(?<!\d)0\d{2,3}-?[2-8]\d{6,7}(?!\d)",
    "bank_card": r"(?<!\d)(?:62|9558)\d{14,17}(?!\d)",
    "uscc": r"(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Z])",
    "plate": r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]·?[A-Z0-9]{5,6}",
    "passport": r"(?<![0-9A-Z])[EGC]\d{8}(?!\d)",
    "email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    "address": r"[一-鿿]{2,12}(?:路|街|大道|村|花园|小区)\d{1,5}(?:号|栋)(?:\d{1,5}室)?",
}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def presidio(own: bool = True) -> tuple[str, Callable[[str], Found]]:
    """Presidio's analyzer with one pattern recogniser a kind, beside its `own` ones for any language."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "zh", "model_name": "blank"}])
            self.nlp = {"zh": spacy.blank("zh")}

        def load(self) -> None:
            """Nothing to load."""

    class Checked(PatternRecognizer):  # type: ignore[misc, unused-ignore]
        def validate_result(self, pattern_text: str) -> bool | None:
            return _passes(self.supported_entities[0], pattern_text)

    registry = RecognizerRegistry(supported_languages=["zh"])
    if own:
        registry.load_predefined_recognizers(languages=["zh"])
    for kind, pattern in _PATTERNS.items():
        registry.add_recognizer(
            Checked(supported_entity=kind, patterns=[Pattern(kind, pattern, 0.6)], supported_language="zh")
        )
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["zh"])

    def find(line: str) -> Found:
        found = engine.analyze(line, language="zh")
        return [(one.entity_type, one.start, one.end) for one in found if one.entity_type in _PATTERNS]

    return "presidio-analyzer", find


def _passes(kind: str, text: str) -> bool | None:
    """Whether a check digit is right; None for kinds that have none."""
    if kind == "resident_id":
        return "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, text[:17], strict=True)) % 11] == text[17].upper()
    if kind == "bank_card":
        return sum(sum(divmod(int(d) * (1 + at % 2), 10)) for at, d in enumerate(reversed(text))) % 10 == 0
    return None


def jionlp() -> tuple[str, Callable[[str], Found]]:
    """JioNLP's extractors of numbers."""
    import jionlp as jio

    extractors = {
        "resident_id": jio.extract_id_card, "email": jio.extract_email,
        "plate": jio.extract_motor_vehicle_licence_plate,
    }  # fmt: skip

    def find(line: str) -> Found:
        found = [(kind, *one["offset"]) for kind, extract in extractors.items() for one in extract(line, detail=True)]
        kinds = {"cell_phone": "mobile", "landline_phone": "landline"}
        found += [(kinds[one["type"]], *one["offset"]) for one in jio.extract_phone_number(line, detail=True)]
        return found

    return "jionlp", find


def jieba() -> tuple[str, Callable[[str], Found]]:
    """jieba's words that it takes for names of people."""
    import jieba.posseg as tagger

    def find(line: str) -> Found:
        found, at = [], 0
        for word in tagger.cut(line):
            if word.flag in ("nr", "nrt", "nrfg"):
                found.append(("name", at, at + len(word.word)))
            at += len(word.word)
        return found

    return "jieba", find


def main() -> None:
    """Find what stdin asks for."""
    asked: dict[str, Any] = json.load(sys.stdin)
    sys.stdout, out = sys.stderr, sys.stdout  # JioNLP greets on stdout
    name, find = {"presidio": presidio, "presidio-bare": lambda: presidio(own=False), "jionlp": jionlp, "jieba": jieba}[
        asked["tool"]
    ]()
    find("热身：13800138000。")
    begun = time.process_time()
    found = [find(line) for line in asked["lines"]]
    spent = time.process_time() - begun
    json.dump({"version": version(name), "processor": spent, "found": found}, out)


if __name__ == "__main__":
    main()
