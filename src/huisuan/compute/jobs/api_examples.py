"""Requests that the API's description shows: each is tried by a test."""

from __future__ import annotations

from typing import Any

JOBS: dict[str, dict[str, Any]] = {
    "command": {
        "summary": "一条命令，八张卡，哪种型号都列出来",
        "value": {
            "name": "微调",
            "command": ["python", "train.py", "--epochs", "3"],
            "environment": {"OMP_NUM_THREADS": "8"},
            "cards": 8,
            "models": ["A100-SXM4-80GB", "A800-SXM4-80GB"],
            "time_limit_seconds": 86400,
        },
    },
    "array": {
        "summary": "一百个作业的阵列：每个一张至少 40 GiB 的卡，每卡时不超过 12 元",
        "value": {
            "name": "参数扫描",
            "script": "#!/bin/bash\npython sweep.py --seed $HUISUAN_ARRAY_INDEX\n",
            "array": list(range(100)),
            "min_memory_gib": 40,
            "price_ceiling_fen": 1200,
            "retries": 2,
        },
    },
    "gang": {
        "summary": "两个节点同时开始，数据在合肥，不出合肥，周末前完成",
        "value": {
            "name": "预训练",
            "script": "#!/bin/bash\nsrun torchrun train.py\n",
            "cards": 16,
            "nodes": 2,
            "vendor": "Huawei",
            "min_tflops_fp16": "300",
            "city": "合肥",
            "data_at": "合肥",
            "deadline": "2030-06-30T18:00:00+08:00",
            "notify_url": "https://hooks.example.cn/huisuan/7f3a",
        },
    },
}
EXAMPLES: dict[str, Any] = {"requestBody": {"content": {"application/json": {"examples": JOBS}}}}
