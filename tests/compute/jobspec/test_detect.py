"""Job files in every format, as people have them: what is read, what is said to be left behind, what is wrong where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from huisuan.base.errors import Refused
from huisuan.compute.jobspec import detect as recognise
from huisuan.compute.jobspec.core.parse_result import FileRefused, ParsedJob

FILES = Path(__file__).parents[2] / "data" / "jobs"


def read(name: str) -> ParsedJob:
    return recognise.parse_job_file((FILES / name).read_text(encoding="utf-8"), name)


def asked(job: ParsedJob) -> dict[str, Any]:
    """What differs from a job that asks for nothing, but for what runs and the notes."""
    return job.request.model_dump(mode="json", exclude_defaults=True, exclude={"script", "command", "notes"})


GOOD: dict[str, dict[str, Any]] = {
    "train.sbatch": {
        "name": "微调 七十亿",
        "cards": 16,
        "nodes": 2,
        "models": ["A800-SXM4-80GB"],
        "time_limit_seconds": ((24 + 12) * 60 + 30) * 60,
        "environment": {"OMP_NUM_THREADS": "8"},
        "source_format": "sbatch",
    },
    "sweep.sbatch": {
        "name": "sweep.sbatch",
        "cards": 1,
        "array": [0, 2, 4, 6, 8, 20],
        "time_limit_seconds": 5400,
        "after": ["01hze421g00000000000000001", "01hze421g00000000000000002"],
        "source_format": "sbatch",
    },
    "ascend.sbatch": {
        "name": "ascend.sbatch",
        "cards": 8,
        "models": ["Ascend-910B3"],
        "vendor": "Huawei",
        "deadline": "2030-06-30T18:00:00+08:00",
        "time_limit_seconds": 30 * 86400,
        "source_format": "sbatch",
    },
    "full.yaml": {
        "name": "预训练",
        "image": "registry.example.cn/torch:2.4",
        "environment": {"VERSION": "1.10", "DEBUG": "yes"},
        "cards": 16,
        "nodes": 2,
        "models": ["A100-SXM4-40GB", "A100-SXM4-80GB", "A800-SXM4-80GB"],
        "vendor": "nvidia",
        "min_memory_gib": 80,
        "min_tflops_fp16": "300.5",
        "city": "合肥",
        "data_at": "hf-1",
        "price_ceiling_fen": 1200,
        "deadline": "2030-06-30T18:00:00+08:00",
        "time_limit_seconds": 36 * 3600,
        "retries": 2,
        "array": [0, 3, 6, 9],
        "after": ["01hze421g00000000000000001"],
        "notify_url": "https://hooks.example.cn/x",
    },
    "script.yaml": {"models": ["Ascend-910B3"], "centre": "hf-1"},
    "sky.yaml": {
        "name": "finetune",
        "image": "nvcr.io/nvidia/pytorch:24.01-py3",
        "environment": {"SKYPILOT_NUM_NODES": "2", "PROJECT": "llm", "HF_TOKEN": "hf_not_a_real_one"},
        "cards": 16,
        "nodes": 2,
        "models": ["A100-SXM4-40GB", "A100-SXM4-80GB", "H100-SXM5-80GB"],
        "retries": 3,
        "source_format": "skypilot",
    },
    "sky-any.yaml": {
        "name": "sky-any",
        "cards": 4,
        "models": ["A100-SXM4-80GB", "H20"],
        "source_format": "skypilot",
    },
    "k8s.yaml": {
        "name": "train",
        "image": "pytorch/pytorch:2.4",
        "environment": {"LR": "0.1", "RUN": "lr-0.1"},
        "cards": 8,
        "models": ["A100-SXM4-80GB"],
        "vendor": "NVIDIA",
        "time_limit_seconds": 7200,
        "retries": 2,
        "source_format": "kubernetes",
    },
    "k8s-index.yaml": {
        "name": "sweep",
        "image": "busybox",
        "cards": 1,
        "models": ["Ascend-910B3"],
        "vendor": "Huawei",
        "array": [0, 1, 2, 3],
        "source_format": "kubernetes",
    },
    "k8s-gang.yaml": {
        "name": "gang",
        "image": "torch",
        "cards": 16,
        "nodes": 2,
        "models": ["Ascend-910A", "Ascend-910B3", "Ascend-910B2", "Ascend-910C"],
        "vendor": "Huawei",
        "time_limit_seconds": 600,
        "source_format": "kubernetes",
    },
}
NOTES: dict[str, list[str]] = {
    "train.sbatch": [
        "第 13 行 #SBATCH 在第一条命令之后，sbatch 不读它，平台也没有读",
        "第 6 行 --ntasks-per-node=8：只用来推算卡数和节点数；进程数请写在脚本里的 srun 或 torchrun 上",
        "第 6 行 --cpus-per-task=8：处理器与内存由中心按卡配给",
        "第 7 行 --mem=512G：处理器与内存由中心按卡配给",
        "第 7 行 --output=logs/%j.out：输出都收到平台：huisuan job logs 作业号",
        "第 8 行 --partition=a800：分区由平台选；要指定中心请用 --centre，要限定型号请用 --models",
        "第 8 行 --account=nlp：账户由中心按使用方对应",
        "第 9 行 --export=ALL：提交时的环境不会带过去，需要的变量请逐个写出或用 --env 名",
        "脚本用到 SLURM_JOB_NUM_NODES、srun：只有 Slurm 中心有；必要时用 --centre 指定这样的中心",
    ],
    "sweep.sbatch": [
        "第 5 行 #SBATCH 前面有空格，sbatch 不读它，平台也没有读",
        "第 2 行 --array 的 %4：同时运行几个由平台按公平份额决定",
        "第 7 行 --mail-type=END：请用 --notify 网址",
        "第 7 行 --mail-user=someone@example.cn：请用 --notify 网址",
    ],
    "ascend.sbatch": [
        "第 4 行 --constraint=ib：平台不认识各中心的节点特征；要限定型号请用 --models",
        "第 5 行 --time=UNLIMITED：平台的时限至多 30 天，按此计",
    ],
    "full.yaml": [],
    "script.yaml": [],
    "sky.yaml": [
        "第 5 行 resources.infra=aws/us-east-1：平台在全省的智算中心之间调度；要限定地点请用 --centre 或 --city",
        "第 7 行 resources.use_spot=true：中心没有竞价实例",
        "第 10 行 resources.job_recovery.strategy=FAILOVER：换中心由平台决定",
        "第 12 行 resources.memory=32+：由中心按卡配给",
        "第 6 行 T4:4：与 A100:8 张数不同，一个作业只有一个卡数，没有保留",
        "SkyPilot 没有时限，平台的时限按 1 小时：请用 --time-limit",
    ],
    "sky-any.yaml": [
        "第 2 行 resources.cpus=8：由中心按卡配给",
        "第 5 行 resources.cloud=aws：平台在全省的智算中心之间调度；要限定地点请用 --centre 或 --city",
        "第 6 行 resources.region=cn：平台在全省的智算中心之间调度；要限定地点请用 --centre 或 --city",
        "第 7 行 accelerators：型号 K80 不在加速卡目录中；相近的有 P800",
        "SkyPilot 没有时限，平台的时限按 1 小时：请用 --time-limit",
    ],
    "k8s.yaml": [
        "第 31 行 Service：没有提交，平台只运行 Job",
        "第 14 行 卷 shm（emptyDir）：平台不挂载；容器里的路径由中心决定",
        "第 29 行 挂载点 /dev/shm：没有挂载",
        "第 25 行 env HF_TOKEN：来自集群的 Secret，平台读不到；由 --env HF_TOKEN=值 给出",
        "第 27 行 resources.requests.cpu=4：处理器与内存由中心按卡配给",
        "第 27 行 resources.requests.memory=10Gi：处理器与内存由中心按卡配给",
        "第 13 行 nodeSelector.zone=a：节点由中心的调度器选；要限定型号请用 --models",
        "第 5 行 metadata.namespace：命名空间由中心决定",
        "第 6 行 metadata.labels.kueue.x-k8s.io/queue-name：队列由中心决定；先后由平台的公平份额决定",
        "第 6 行 metadata.labels.team：平台不保存",
    ],
    "k8s-index.yaml": [
        "第 10 行 restartPolicy=OnFailure：重试时从头开始，可能换一个中心",
        "没有写 backoffLimit：Kubernetes 会重试 6 次，平台不重试；要重试请用 --retries",
        "没有写 activeDeadlineSeconds：平台的时限按 1 小时；请用 --time-limit",
        "第 5 行 parallelism=2：同时运行几个由平台按公平份额决定",
        "4 个 pod 成为 4 个作业的阵列；要它们同时开始、互相通信，请写 subdomain 或改用惠算文件的 nodes",
    ],
    "k8s-gang.yaml": [
        "第 18 行 资源 huawei.com/Ascend910：可以是 Ascend-910A、Ascend-910B3、Ascend-910B2、Ascend-910C，都接受",
        "第 12 行 subdomain=gang：2 个 pod 成为同时开始的 2 个节点；它们的域名与原来不同，"
        "第一个节点是 $HUISUAN_HEAD，序号是 $HUISUAN_NODE_RANK",
    ],
}
BAD: dict[str, list[str]] = {
    "bad.sbatch": [
        '第 2 行第 9 列：--gres："shard:2" 是一张卡的一部分（共享卡的份额）：平台按整卡分配和计量，请写整卡',
        "第 3 行第 9 列：--tim 可以是 --time-min、--time：请写全",
        "第 3 行第 18 列：sbatch 没有选项 -Z",
        "第 4 行第 9 列：--begin：平台没有“不早于”：请到时再提交，或用 --after 排在别的作业之后",
        "第 5 行第 9 列：--dependency：“afterany:123”：平台没有“无论成败”：前一个失败时后面的会取消",
        "第 6 行第 18 列：7 卡不能平均放在 2 个节点上",
        "第 7 行第 9 列：引号 ' 没有收尾",
        "第 8 行第 9 列：“now”不是选项：选项以 - 或 -- 开头",
        "第 8 行第 13 列：--mem 之后缺少值",
        "第 9 行第 9 列：--time：时间 1x：应形如 90（分钟）、90:30、1:30:00、2-12、2-12:30 或 2-12:30:00",
    ],
    "bad.yaml": [
        "第 1 行第 1 列：不认识的键 nam；是不是 name？",
        "第 4 行第 8 列：cards：“many”应是整数",
        "第 5 行第 8 列：nodes：“0”太小，至少 1",
        "第 7 行第 25 列：B 应是文字",
        "第 8 行第 13 列：时限 'soon'：应形如 90s、15m、1h30m、2d 或秒数",
        "第 9 行第 8 列：阵列下标 9-1：应从小到大，步长至少 1",
        "第 10 行第 11 列：时间 tomorrow：应形如 2024-06-30 18:00（北京时间）或 2024-06-30T18:00:00+08:00",
    ],
    "indent.yaml": ["第 4 行第 1 列：YAML 写法不对：缩进不能用制表符（Tab），请改成空格"],
    "sky-bad.yaml": [
        '第 2 行第 17 列：accelerators："0.5" 是一张卡的一部分（不足一张）：平台按整卡分配和计量',
        "第 3 行第 3 列：resources 里不认识的键 color；是不是 cloud？",
        "第 4 行第 1 列：file_mounts：平台不挂载本机目录或对象存储：数据请先放到一个中心，用 --data-at 说明在哪里，",
        "第 6 行第 1 列：service：平台运行会结束的作业，不运行长期的服务（SkyServe）",
        "第 7 行第 12 列：num_nodes two：应是正整数",
        "第 8 行第 6 列：run 应是文字，不是列表",
        "第 9 行第 8 列：envs：1A 不是环境变量名",
        "第 9 行第 18 列：envs.B 应是文字，不是列表",
        "第 10 行第 1 列：SkyPilot 任务里不认识的键 tasks",
    ],
    "k8s-bad.yaml": [
        "第 5 行第 3 列：spec.completion：Kubernetes 没有这个键；是不是 completions 或 completionMode？",
        "第 8 行第 7 列：template.spec.initContainers：平台的作业只有一个容器：请把准备工作写进 command 或脚本",
        "第 9 行第 22 列：restartPolicy Always：Job 只能是 Never 或 OnFailure",
        "第 10 行第 17 列：卷 d（persistentVolumeClaim）：平台不挂载集群里的卷；",
        "第 14 行第 11 列：containers[0].command：没有写；平台不知道镜像自己的 ENTRYPOINT",
        "第 14 行第 21 列：containers[0].args 里的 1 应是文字，请加引号",
        "第 15 行第 34 列：env A 的值应是文字：请加引号",
        "第 16 行第 11 列：containers[0].envFrom：平台读不到集群里的 ConfigMap 与 Secret",
        '第 17 行第 32 列：资源 nvidia.com/gpucores："nvidia.com/gpucores" 是一张卡的一部分（卡的算力或显存的份额）',
        "第 17 行第 57 列：资源 amd.com/gpu：平台不认识；可用的有 nvidia.com、huawei.com",
        "第 17 行第 73 列：资源 huawei.com/Ascend910B9：型号 Ascend910B9 不在加速卡目录中；相近的有 Ascend-910B",
    ],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_is_read_as_its_own_tool_would_read_it(name: str) -> None:
    assert asked(read(name)) == GOOD[name]


@pytest.mark.parametrize("name", NOTES)
def test_what_cannot_be_carried_over_is_named_with_its_line(name: str) -> None:
    assert read(name).notes == NOTES[name]


@pytest.mark.parametrize("name", BAD)
def test_everything_wrong_with_a_file_is_told_at_once_each_with_line_and_column(name: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(name)
    told = [fault.format(name).removeprefix(f"{name} ") for fault in refused.value.faults]
    assert len(told) == len(BAD[name])
    for line, expected in zip(told, BAD[name], strict=True):
        assert line.startswith(expected)
    assert str(refused.value).startswith(f"{name} 第 ")


def test_every_file_beside_this_test_is_tried() -> None:
    assert {file.name for file in FILES.iterdir()} == GOOD.keys() | BAD.keys()


def test_a_script_is_kept_as_it_is() -> None:
    assert read("train.sbatch").request.script == (FILES / "train.sbatch").read_text(encoding="utf-8")


def test_variables_whose_values_the_file_leaves_open_are_asked_for() -> None:
    assert read("train.sbatch").wanted == ("WANDB_API_KEY",)
    assert read("sky.yaml").wanted == ("MODEL_SIZE",)
    assert read("k8s.yaml").wanted == ("HF_TOKEN",)


def test_a_folder_to_bring_along_is_named_and_not_read() -> None:
    assert read("full.yaml").workdir == "."
    assert read("sky.yaml").workdir == "~/code/llm"
    assert read("k8s.yaml").workdir is None


def test_setup_and_run_become_one_script_and_of_a_gang_every_node_runs_it() -> None:
    job = read("sky.yaml").request
    assert job.command[:2] == ["/bin/bash", "-c"]
    assert job.command[2].split("\n") == [
        "#!/bin/bash",
        'export SKYPILOT_NODE_RANK="${HUISUAN_NODE_RANK:-0}"',
        "# setup",
        "(",
        "set -e",
        "pip install -r requirements.txt",
        ")",
        "huisuan_setup=$?",
        '[ "$huisuan_setup" -eq 0 ] || exit "$huisuan_setup"',
        "# run",
        "torchrun --nnodes $SKYPILOT_NUM_NODES --node-rank $SKYPILOT_NODE_RANK train.py",
        "",
    ]
    assert read("sky-any.yaml").request.script == "#!/bin/bash\n# run\npython serve.py\n"


def test_a_containers_words_are_expanded_as_kubernetes_expands_them_and_run_in_its_folder() -> None:
    assert read("k8s.yaml").request.command == [
        "/bin/sh", "-c", 'cd "$0" && exec "$@"', "/app", "python", "train.py", "--lr=0.1", "$(HOME)", "$(NOPE)",
    ]  # fmt: skip
    assert read("k8s-gang.yaml").request.command[:3] == [
        "/bin/sh", "-c", 'export JOB_COMPLETION_INDEX="${HUISUAN_NODE_RANK:-0}"; exec "$@"',
    ]  # fmt: skip


def test_a_kubernetes_name_that_is_too_long_for_a_job_is_shortened_and_the_note_says_so() -> None:
    found = recognise.parse_job_file(
        f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {'n' * 130}}}\n"
        "spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: a, command: [x]}]}}}\n",
        "x",
    )
    assert found.request.name == "n" * 120
    assert any("metadata.name：作业名至多 120 个字" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "文件是空的。可用的格式：惠算 YAML"),
        ("# 只有注释\n", "只有注释或空行"),
        ("hello world", "看到的是文字“hello world”，不是作业文件"),
        ("- a\n- b", "看到的是列表，不是作业文件"),
        ("foo: 1\nbar: 2", "看到的键有 bar、foo，不属于任何一种作业格式"),
        ("run: x\ncommand: [x]", "既有惠算的键（command），又有 SkyPilot 的键（run）"),
        ("#!/bin/sh\n#PBS -l nodes=1\n", "第 2 行第 1 列：这是 PBS 的脚本：请把 #PBS 的选项改写成 #SBATCH"),
        ("apiVersion: v1\nkind: CronJob", "第 2 行第 1 列：CronJob：平台不定时重复"),
        ("apiVersion: v1\nkind: Pod", "Pod：请改写成 batch/v1 的 Job"),
        ("apiVersion: batch/v1beta1\nkind: Job", "只接受 apiVersion: batch/v1"),
        ("apiVersion: batch/v1\nkind: Job", "spec：没有写"),
        ("run: a\n---\nrun: b\n", "第 3 行第 1 列：一个文件里有几份文档"),
        ("run: a\0", "第 1 行第 7 列：含有 NUL 字节"),
        ("run: '\x07'", "第 1 行第 7 列：含有不能出现的字符"),
        ("run: " + "x" * 300_000, "文件超过 256 KiB"),
        ("a: {{ x }}", "双花括号"),
        ("run: a\nrun: b", "第 2 行第 1 列：键 run 在第 1 行已经写过"),
        ("run: !!python/name:os.system ''", "不支持标签"),
        ("a: " + "[" * 5000, "嵌套太深"),
        ("a: &a [*a]", "锚点"),
        ("a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
         "d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d]", "太大"),
        ('{"cells": [], "nbformat": 4}', "看到的键有 cells、nbformat"),
    ],
)  # fmt: skip
def test_a_file_of_no_known_format_says_what_was_seen(text: str, message: str) -> None:
    with pytest.raises(FileRefused) as refused:
        recognise.parse_job_file(text, "job")
    assert message in str(refused.value)


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm() -> None:
    job = recognise.parse_job_file("\ufeff#!/bin/bash\r\n#SBATCH --gpus=2 -t 5\r\npython x\r\n", "x.sbatch")
    assert (job.request.cards, job.request.script) == (2, "#!/bin/bash\n#SBATCH --gpus=2 -t 5\npython x\n")
    assert job.notes == ["换行符 CRLF 已改成 LF"]


def test_json_is_yaml_too() -> None:
    assert recognise.parse_job_file('{"command": ["true"], "cards": 2}', "x.json").request.cards == 2


def test_a_format_that_is_named_is_not_guessed() -> None:
    with pytest.raises(FileRefused, match="不认识的键 run"):
        recognise.parse_job_file("run: x", "x", "huisuan")
    with pytest.raises(Refused, match="格式 pbs：只能是"):
        recognise.parse_job_file("run: x", "x", "pbs")
    with pytest.raises(FileRefused, match="只有注释"):
        recognise.parse_job_file("#", "x")


def test_no_message_ever_repeats_the_value_of_a_variable() -> None:
    secret = "s3cr3t"
    files = [
        f"command: [x]\nenvironment: {{A: [{secret}], 1B: {secret}}}\n",
        f"run: x\nenvs: {{A: [{secret}], 1B: {secret}}}\nsecrets: {{C: {secret}}}\ncolor: 1\n",
        "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{image: a, command: [x], "
        f"env: [{{name: 1B, value: {secret}}}, {{name: A, value: [{secret}]}}]}}]}}}}}}\n",
    ]
    for text in files:
        with pytest.raises(FileRefused) as refused:
            recognise.parse_job_file(text, "x")
        assert secret not in str(refused.value)
