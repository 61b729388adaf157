"""Submitting a job on a page: the form is a job file, looked at before it is sent, and nothing wrong is lost."""

from __future__ import annotations

import gzip
import io
import re
import tarfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.jobspec.huisuan.job_file import JobFile
from huisuan.compute.models import Job
from huisuan.portal.jobs.submit_form import KEYS, parse_submit_form
from support.portal import CARD, World

SBATCH = "#!/bin/bash\n#SBATCH --job-name=微调\n#SBATCH --gres=gpu:a800:8\n#SBATCH --mem=64G\nsrun python train.py\n"


def test_the_form_asks_for_everything_that_a_job_file_can_say() -> None:
    named = {"price_ceiling": "price_ceiling_fen"}
    assert {named.get(key, key) for key in KEYS} == set(JobFile.model_fields) - {"workdir"}


def test_what_is_typed_becomes_a_job_file_that_is_read_as_any_other() -> None:
    found = parse_submit_form(
        {"command": 'python train.py --name "a b"', "cards": "8", "models": "A100，H20", "price_ceiling": "12.5",
         "time_limit": "1h30m", "environment": "A=1\nB=x=y\n", "array": "0-3"}
    )  # fmt: skip
    assert found.read is not None, found
    asked = found.read.request
    assert asked.command == ["python", "train.py", "--name", "a b"]
    assert (asked.cards, asked.price_ceiling_fen, asked.time_limit_seconds, asked.array) == (
        8,
        1250,
        5400,
        [0, 1, 2, 3],
    )
    assert asked.environment == {"A": "1", "B": "x=y"}
    assert "H20" in asked.models


@pytest.mark.parametrize(
    ("texts", "field", "says"),
    [
        ({"command": "a 'b"}, "command", "引号没有配对"),
        ({"command": "a", "cards": "8.5"}, "cards", "应是整数"),
        ({"command": "a", "cards": "0"}, "cards", "太小"),
        ({"command": "a", "environment": "novalue"}, "environment", "第 1 行应写成 名=值"),
        ({"command": "a", "price_ceiling": "1.005"}, "price_ceiling", "最多两位小数"),
        ({"command": "a", "price_ceiling": "1e1"}, "price_ceiling", "以元为单位"),
        ({"command": "a", "price_ceiling": "free"}, "price_ceiling", "以元为单位"),
        ({"command": "a", "time_limit": "soon"}, "time_limit", "应形如"),
        ({"command": "a", "models": "B200X"}, "models", "B200X"),
        ({"command": "a", "cards": "3", "nodes": "2"}, "nodes", "不能平均"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(texts: dict[str, str], field: str, says: str) -> None:
    found = parse_submit_form(texts)
    assert found.read is None
    assert says in "".join(found.wrong[field])


def test_a_form_that_says_nothing_to_run_says_so() -> None:
    assert "没有 command 也没有 script" in "".join(parse_submit_form({}).general)


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.text(max_size=40), max_size=8))
def test_nothing_typed_can_mean_another_field(texts: dict[str, str]) -> None:
    found = parse_submit_form(texts)
    if found.read is not None and "command" in texts and texts["command"].strip():
        assert not found.read.request.script or texts.get("script", "").strip()
        assert found.read.request.party is None


@pytest.fixture
def browser(world: World) -> Client:
    """A user's browser."""
    return world.browser("alpha")


@pytest.mark.django_db
def test_a_look_tells_where_when_and_at_what_price_and_submits_nothing(browser: Client) -> None:
    before = Job.objects.count()
    shown = browser.post(reverse("submit-job"), {"command": "true", "look": "yes"}).content.decode()
    assert "hf" in shown
    assert "CPU-SLOT" in shown
    assert Job.objects.count() == before


@pytest.mark.django_db
def test_a_job_that_nobody_can_run_is_told_why_at_once(browser: Client) -> None:
    for button in ("look", "send"):
        answer = browser.post(reverse("submit-job"), {"command": "true", "cards": "4000", button: "yes"})
        assert "等待也无用" in answer.content.decode()
    assert not Job.objects.filter(cards=4000).exists()


@pytest.mark.django_db
def test_sending_submits_and_leads_to_the_job(browser: Client) -> None:
    answer = browser.post(reverse("submit-job"), {"command": "echo 你好", "name": "问候", "send": "yes"})
    job = Job.objects.get(name="问候")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("job", args=[job.uid])
    assert job.command == ["echo", "你好"]


@pytest.mark.django_db
def test_a_wrong_form_keeps_what_was_typed(browser: Client) -> None:
    answer = browser.post(reverse("submit-job"), {"command": "python 'x", "name": "训练<1>", "send": "yes"})
    shown = answer.content.decode()
    assert 'value="训练&lt;1&gt;"' in shown
    assert "引号没有配对" in shown


@pytest.mark.django_db
def test_a_file_is_recognised_and_what_it_cannot_carry_over_is_named(browser: Client) -> None:
    file = SimpleUploadedFile("train.sbatch", SBATCH.encode())
    shown = browser.post(f"{reverse('submit-job')}?by=file", {"file": file, "look": "yes"}).content.decode()
    assert "没有照搬的" in shown
    assert "--mem" in shown
    assert CARD in shown


@pytest.mark.django_db
def test_a_file_that_is_wrong_says_where(browser: Client) -> None:
    text = "command: [true]\ncards: many\n"
    shown = browser.post(f"{reverse('submit-job')}?by=file", {"text": text, "look": "yes"}).content.decode()
    assert "第 2 行第 8 列" in shown
    assert "cards: many" in shown


@pytest.mark.django_db
def test_a_working_directory_is_kept_from_the_look_to_the_sending(browser: Client) -> None:
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"pass\n"))
    archive = SimpleUploadedFile("work.tgz", raw.getvalue())
    shown = browser.post(reverse("submit-job"), {"command": "true", "workdir": archive, "look": "yes"}).content.decode()
    sha256 = shown.partition('name="uploaded" value="')[2][:64]
    browser.post(reverse("submit-job"), {"command": "true", "name": "有目录", "uploaded": sha256, "send": "yes"})
    assert Job.objects.get(name="有目录").workdir.sha256 == sha256  # type: ignore[union-attr]


@pytest.mark.django_db
def test_another_partys_directory_cannot_be_named(browser: Client) -> None:
    shown = browser.post(
        reverse("submit-job"), {"command": "true", "name": "借用", "uploaded": "0" * 64, "send": "yes"}
    ).content.decode()
    assert not Job.objects.filter(name="借用").exists()
    assert "said error" in shown


@pytest.mark.django_db
def test_a_form_that_is_sent_twice_submits_once(browser: Client) -> None:
    shown = browser.get(reverse("submit-job")).content.decode()
    (key,) = re.findall(r'name="key" value="([0-9a-f]{32})"', shown)
    sent = {"command": "true", "name": "一次", "send": "yes", "key": key}
    assert (
        browser.post(reverse("submit-job"), sent)["Location"] == browser.post(reverse("submit-job"), sent)["Location"]
    )
    assert Job.objects.filter(name="一次").count() == 1


def in_english(world: World, posted: dict[str, str], query: str = "") -> str:
    """The answer to a form on an English page, without the form itself."""
    browser, asks = world.browser("alpha", "en"), {"HX-Request": "true", "HX-Target": "look"}
    return browser.post(f"{reverse('submit-job')}{query}", posted, headers=asks).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("posted", "says"),
    [
        ({"command": "true", "cards": "4000", "look": "yes"}, "No place can run a job of 4000 cards"),
        ({"command": "true", "cards": "4000", "send": "yes"}, "No place can run a job of 4000 cards"),
        ({"command": "true", "centre": "nowhere", "send": "yes"}, "There is no centre nowhere"),
        ({"command": "true", "models": "H20", "look": "yes"}, "not one of the models accepted (H20)"),
    ],
)
def test_an_english_page_gives_the_reasons_in_english(world: World, posted: dict[str, str], says: str) -> None:
    shown = in_english(world, posted)
    assert says in shown
    assert re.findall(r"[\u4e00-\u9fff]+", shown) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("command: [true]\ncards: many\n", "Job file, line 2, column 8: cards: “many” must be an integer"),
        ("a:\n\tb: 1\n", "not valid YAML: indentation must not use tabs; use spaces"),
        (SBATCH.replace("微调", "tune"), "Line 4: --mem=64G: the centre allots processors and memory by cards"),
    ],
)
def test_an_english_page_says_in_english_what_of_a_file_is_wrong_or_left_behind(
    world: World, text: str, says: str
) -> None:
    shown = in_english(world, {"text": text, "look": "yes"}, "?by=file")
    assert says in shown
    assert re.findall(r"[\u4e00-\u9fff]+", shown) == []
