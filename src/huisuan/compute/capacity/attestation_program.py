#!/usr/bin/env python3
"""Measures the cards that this job was given: dense FP16 matrix multiplication by PyTorch, the best of ten rounds.

A job of its own, run at the centre as it stands here; needs PyTorch there, nothing of Huisuan. One line a card:
HUISUAN-ATTESTATION {"node": ..., "index": 0, "device": ..., "tflops_fp16": ...}
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

ROUNDS = 10
LACKING = "这个中心的作业环境里没有 PyTorch，无法核验算力：请安装 torch（昇腾另装 torch_npu）后重试\n"
_SIZE = {"cuda": 8192, "npu": 8192, "cpu": 256}


def backend(torch: Any) -> tuple[str, int, Any]:
    """Which kind of card PyTorch sees here, and how many of them."""
    if torch.cuda.is_available():
        return "cuda", torch.cuda.device_count(), torch.cuda
    try:
        import torch_npu  # noqa: F401 (it adds torch.npu)

        if torch.npu.is_available():
            return "npu", torch.npu.device_count(), torch.npu
    except ImportError:
        pass
    return "cpu", 1, None


def measure(torch: Any, kind: str, index: int, cards: Any) -> float:
    """TFLOPS of one card: 2 n^3 operations over the seconds of the fastest round."""
    size = _SIZE[kind]
    place = kind if kind == "cpu" else f"{kind}:{index}"
    left = torch.randn(size, size, dtype=torch.float16, device=place)
    right = torch.randn(size, size, dtype=torch.float16, device=place)
    rounds = []
    for _ in range(ROUNDS + 2):
        if cards is not None:
            cards.synchronize(index)
        started = time.perf_counter_ns()
        left @ right
        if cards is not None:
            cards.synchronize(index)
        rounds.append(time.perf_counter_ns() - started)
    return 2 * size**3 / min(rounds) / 1000


def main() -> int:
    """Print a line for every card; exit code 3 where there is no PyTorch."""
    try:
        import torch
    except ImportError:
        sys.stderr.write(LACKING)
        return 3
    kind, count, cards = backend(torch)
    for index in range(count):
        device = cards.get_device_name(index) if cards is not None else f"processor of {os.cpu_count()} threads"
        word = {
            "node": os.uname().nodename,
            "index": index,
            "device": device,
            "tflops_fp16": f"{measure(torch, kind, index, cards):.1f}",
            "torch": torch.__version__,
        }
        sys.stdout.write(f"HUISUAN-ATTESTATION {json.dumps(word, ensure_ascii=False)}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
