"""Reasons, notes, faults and steps that are stored in Chinese read as English on English pages: every one of them."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import assume, given
from hypothesis import strategies as st

import huisuan
from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.jobspec.core.parse_result import FileRefused
from huisuan.compute.jobspec.detect import parse_job_file
from huisuan.compute.jobspec.sbatch.options import OPTIONS
from huisuan.compute.placement.decisions import PlacedJob, Ranked
from huisuan.compute.placement.filters import filter_pool
from huisuan.compute.placement.messages import free_cards, rejection_text, why_never, why_placed
from huisuan.compute.placement.scoring import PriceTerms
from huisuan.compute.placement.types import Needs, PlacementRequest, PlacementTenant, Pool
from huisuan.compute.placement.weights import weights_on
from huisuan.portal.sentences.catalogue import LONGEST, MOST_LOOKS, WIDE, _Translating, catalogue, subjects, translate
from huisuan.portal.sentences.page import sentence_html
from huisuan.portal.sentences.template import BadTemplate, Template
from support.chinese_literals import HAN, Literal, literals

SOURCE = Path(huisuan.__file__).parent
#: the modules whose texts a job brings onto pages
SPEAKERS = (
    "compute/placement/messages.py", "compute/placement/filters.py", "compute/placement/types.py",
    "compute/placement/evaluate.py", "compute/jobs/lifecycle.py", "compute/jobs/services.py",
    "compute/jobspec/core/request_rules.py", "compute/maintenance/met_jobs.py", "compute/maintenance/services.py",
    "compute/maintenance/queries.py",
    "compute/jobs/references.py", "compute/jobs/workdirs/services.py",
    "compute/accelerators/aliases.py", "compute/accelerators/parts.py",
    *sorted(str(path.relative_to(SOURCE)) for path in (SOURCE / "compute/jobspec").rglob("*.py")),
    *(f"compute/engines/{name}.py" for name in (
        "common/spec_checks", "common/runner", "slurm/states", "slurm/observe", "slurm/cluster", "slurm/job_files",
        "kubernetes/status", "kubernetes/manifest", "ray/status", "ray/package",
    )),
    "compute/site_agent/reconciler.py",
)  # fmt: skip
#: the states of a job, which their sentences name; readers of files, whose reasons are made within SQL
NAMES = (
    "compute/models/jobs.py", "compute/metering/intake/sacct.py", "compute/metering/intake/sacct_text.py",
    "compute/traces/judge.py", "compute/traces/gpu_csv.py", "compute/duck/source_lines.py",
    "law/procedure/words.py",
)  # fmt: skip
REGIONS = "parties/regions.csv"
WORDS = re.compile(r"[\u4e00-\u9fff]+")
#: what an engine can do and why not, which a centre's page shows: only there do these modules speak to readers
ABILITIES = {
    "compute/engines/local/engine.py": ("LOCAL_ABILITIES", "END_UNKNOWN", "NEVER_STARTED", "diagnose"),
    "compute/engines/slurm/diagnostics.py": (),
    "compute/site_agent/diagnostics.py": (),
    "compute/engines/kubernetes/engine.py": ("abilities",),
    "compute/engines/ray/abilities.py": ("ray_abilities",),
    # what a self-check says besides, and the errors that it passes on
    **{
        f"compute/engines/{name}.py": ()
        for name in (
            "kubernetes/diagnostics",
            "kubernetes/api_client",
            "ray/diagnostics",
            "ray/api_client",
            "slurm/rest_client",
            "slurm/command_client",
            "local/unix_user",
        )
    },
    "compute/engines/kubernetes/config.py": ("parse_kubernetes_site", "multiply_quantity"),
    "compute/engines/ray/config.py": ("parse_ray_site",),
    "compute/engines/local/options.py": ("parse_local_options",),
    "compute/engines/slurm/config.py": ("person", "parse_options", "_whole"),
    "compute/site_agent/config.py": ("key_problem",),
    "compute/site_agent/link.py": ("sync", "_why"),
}
#: why a form is refused, what looked wrong in what was metered, what the front answers: modules, and names within them
REFUSERS: dict[str, tuple[str, ...]] = {
    **{f"parties/identity/{name}.py": () for name in (
        "audit_trail", "oidc", "people", "positions", "second_factor", "throttle", "tokens",
    )},
    "parties/saved/filters.py": (),
    "portal/application_acts/giving_opinion.py": ("_fen",), "programmes/review_desk/opinions.py": (),
    "portal/application_acts/saying.py": (), "portal/application_acts/consenting.py": ("_day",),
    "programmes/check_desk/consents.py": (),
    **{f"programmes/applications/{name}.py": () for name in (
        "active_content", "evidence_files", "evidence_store", "services",
    )},
    **{f"programmes/workflow/{name}.py": () for name in ("act", "begin", "moving", "permission", "queries", "ties")},
    **{f"programmes/awards/{name}.py": () for name in (
        "closing", "committing", "granting", "offered", "owed", "paying", "pleading", "recovering", "relenting",
        "revoking", "up_to_date",
    )},
    **{f"programmes/contract_desk/{name}.py": () for name in (
        "accepting", "amending", "desk", "drawing_up", "panel", "panel_drawing", "planning", "reporting", "site_checks",
    )},
    **{f"programmes/struck/{name}.py": () for name in ("issuers", "striking")},
    "programmes/struck/lifting.py": ("lift_strike",),
    "portal/struck/views.py": ("_strike", "_since"),
    **{f"programmes/contracts/{name}.py": () for name in ("audited", "conditions", "figures", "race", "terms")},
    **{f"programmes/amounts/{name}.py": () for name in ("case_by_case", "named")},
    **{f"programmes/{name}.py": () for name in (
        "checks/stored", "checks/without_decision", "publicity/conditions", "flags/answered", "decision_sheets/steps",
        "scoring/results", "claim_objects/codes", "claim_objects/records",
        "claim_objects/waiting", "submissions/consented",
    )},
    **{f"programmes/submissions/{name}.py": () for name in (
        "added_capacity", "beside", "content", "record", "seed_sources", "window",
    )},
    "programmes/checks/findings.py": (), "programmes/checks/law_answer.py": (),
    "programmes/models/credit.py": ("BARS", "NOTE"), "law/procedure/objects.py": ("OBJECT_WORDS",),
    **{f"programmes/registers/{name}.py": () for name in (
        "entry_line", "juries", "keepers", "matching", "services", "snapshots", "ties", "totals",
    )},
    **{f"programmes/review/{name}.py": () for name in ("plan", "scores", "panels", "seed")},
    "programmes/review/draw.py": ("EXCLUSION_NAMES", "__post_init__", "__str__", "__init__"),
    **{f"programmes/scoring/{name}.py": () for name in ("seats", "sheets")},
    "programmes/scoring/material.py": ("review_file", "_last_submission"),
    **{f"programmes/review_desk/{name}.py": () for name in ("drawing", "decision_sheet", "seeds", "services")},
    "programmes/decision_sheets/compute.py": (), "portal/programmes/contract_forms.py": (),
    "portal/programmes/contract_page.py": ("_check_site",),
    "portal/reviews/bench.py": ("_whole",),
    "opendata/catalogue/sheet_reader.py": (), "opendata/corpora/shards.py": ("get_shard", "_check"),
    "law/forms/sheet_reader.py": ("read_rows", "_decode", "_read_csv", "_read_xlsx"),
    "programmes/calls/submit.py": (), "programmes/calls/services.py": (),
    "programmes/calls/publishing.py": (),
    "portal/programmes/new_call.py": ("_terms", "_day", "_tasks"),
    **{f"programmes/notices/{name}.py": () for name in ("answering", "objecting", "publishing", "queries")},
    "programmes/publicity/conditions.py": (), "programmes/publicity/ends.py": (),
    "portal/notices/desk.py": ("_fen", "_upheld"),
    "programmes/offers/services.py": (), "programmes/payments/payees.py": (),
    "programmes/check_desk/flag_answers.py": (),
    "programmes/offices/services.py": (), "programmes/offices/queries.py": ("get_post",),
    "programmes/payments/budget.py": (), "programmes/payments/bank_queries.py": ("get_bank_file",),
    "programmes/payments/money_posts.py": ("require_money_post", "require_own_orders"),
    "treasury/bank_files.py": ("make_bank_file",),
    "treasury/city_payments.py": (), "treasury/city_payment_import.py": (),
    "programmes/payments/city_vouchers.py": (),
    "treasury/bank_returns.py": ("parse_returns", "_decode", "_parse_line", "resolve_clearing"),
    "treasury/ledger.py": (), "treasury/lines.py": ("appropriate", "carry_over", "lapse"),
    "portal/programmes/posts.py": ("_give", "_day", "_last_day"),
    "portal/treasury/lines.py": ("_year", "typed_fen"), "portal/treasury/returns.py": ("_given",),
    "portal/applications/recovery_form.py": (),
    "portal/programmes/application_page.py": ("_fen",), "treasury/orders.py": ("parse_payee", "_text"),
    **{f"settlement/adoption/{name}.py": () for name in ("proposed_settings", "queries", "services")},
    "settlement/runs/requests.py": (), "settlement/runs/settle.py": (), "parties/affiliation.py": (),
    **{f"compute/metering/checks/{name}.py": () for name in ("flags", "overuse", "completeness")},
    **{f"compute/metering/agent_usage/{name}.py": () for name in ("judge", "lease", "leases", "receive", "usage_line")},
    "compute/metering/intake/corrections.py": (), "compute/metering/imports/own_jobs.py": (),
    "compute/metering/imports/import_file.py": ("_OVERTAKEN",),
    "compute/metering/imports/claims.py": ("claim_account", "undo_claim", "_map"),
    "compute/metering/imports/pending_corrections.py": (), "compute/metering/seals/queries.py": (),
    "compute/metering/seals/requests.py": (), "compute/metering/seals/seal_month.py": (),
    "compute/metering/audit/sample.py": ("check_sample_request", "allocate_sample"),
    "compute/metering/exports/audit_sample.py": (),
    "parties/csv_import.py": ("parse_uscc", "parse_date_cell", "_parse_party", "import_parties", "_parse_days"),
    "parties/dated_import.py": ("_add",), "settlement/runs/rules.py": (),
    "settlement/impact/requests.py": (), "settlement/scenarios/requests.py": (),
    "base/text_length.py": ("check_length",),
    "base/csv_lines.py": ("decode_text", "__init__", "rows"), "portal/parties/import_page.py": ("_given",),
    "settlement/impact/register_requests.py": (), "settlement/impact/register_preview.py": (),
    "parties/relation_import.py": (
        "import_relations", "_parse_relation", "_parse_share", "_store_relation", "_refuse_overlap",
        "import_successions", "_parse_succession", "_store_succession",
    ),
    "base/db/background_work.py": ("_BROKEN",), "base/months.py": ("parse",),
    "compute/agent_gateway/clock_skew.py": (), "compute/metering/checks/clock.py": (),
    "parties/acting_party.py": (), "settlement/runs/inputs.py": (),
    "law/policy/setting_bounds.py": (), "law/policy/amended_figures.py": (),
    "law/model/values.py": ("parse_chinese_money", "parse_share", "parse_date", "_parse_declared_share"),
    **{f"messages/{name}.py": () for name in ("delivery", "http_post", "preferences", "queries", "signed_post")},
    "compute/jobs/files/queries.py": (), "compute/jobs/files/requests.py": (), "compute/jobs/files/log_search.py": (),
    "compute/jobs/files/streams.py": (), "compute/jobs/files/held_answers.py": (),
    "compute/site_agent/files/tree.py": (), "compute/site_agent/files/kept.py": (),
    "compute/site_agent/files/answering.py": (), "compute/site_agent/files/listing.py": (),
    "compute/site_agent/files/hashing.py": (), "protocol/file_names.py": (),
    "serving/http/limits.py": (), "serving/http/middleware.py": (), "serving/http/body.py": (),
    "serving/http/front.py": (), "parties/input_limits.py": (), "portal/people/views.py": ("_password",),
    "compute/sessions/services.py": ("start_session", "session_of", "open_session"),
    "portal/sessions/views.py": ("_asked", "_number"),
    "documents/queries.py": ("find_document", "load_pdf", "_load"),
    "documents/docx.py": ("read_template_fields", "_opened", "_refused", "_check_parts", "_unpacked", "_forbidden"),
    "documents/issuing.py": ("issue_document",),
    "portal/documents/template_files.py": (),
    **{f"programmes/papers/{name}.py": () for name in ("issuing", "templates")},
    "programmes/papers/paper.py": ("last_step",),
    "parties/members.py": (), "parties/projects.py": (), "parties/queries.py": (), "compute/jobs/leaving.py": (),
    "compute/budgets/services.py": (), "compute/budgets/party_use.py": (), "compute/budgets/limit_text.py": (),
    "compute/jobs/again.py": (), "compute/jobs/held_cancels.py": (),
    "compute/agent_gateway/enrolment.py": ("revoke_agents",),
    "portal/centres/maintenance.py": ("_plan", "_time"), "portal/centres/tariffs.py": ("fen_of_yuan", "_day"),
    "compute/centres/tariffs.py": (), "compute/centre_desk/tariff_preview.py": (),
    "compute/centre_desk/seal_checklist.py": (),
    "compute/metering/imports/accounts.py": (),
    "compute/metering/imports/requests.py": (
        "IMPORT_LOST", "IMPORTS", "request_import", "repeat_for_real", "cancel_import", "_kept",
    ),
    "opendata/requests/services.py": ("request_data", "answer_request", "_compose", "_text"),
    "portal/opendata/requests.py": ("_given",), "opendata/gate_arrows.py": (),
    "portal/opendata/desk.py": ("_upload",), "portal/opendata/grants.py": ("_day",),
    "opendata/access/grants.py": (), "programmes/registers/data_grants.py": (),
    "programmes/registers/lost_grounds.py": (),
    "portal/opendata/gate_file.py": ("_act", "_number"), "portal/opendata/gate_lattice.py": ("_k", "_check_was_read"),
    "opendata/documents/files.py": (), "opendata/anonymity/lattice.py": (),
    **{f"opendata/gate/{name}.py": () for name in (
        "generalising", "judging", "lattice_choice", "queries", "releasing", "remaking", "rescanning", "steps",
        "stores", "uploading",
    )},
    **{f"opendata/access/{name}.py": () for name in ("delivering", "query", "released")},
    "portal/centres/imports.py": ("_TEXTS", "_plan", "_trace_options"),
    "bulletins/desk/services.py": (), "portal/bulletins/desk.py": ("_day", "_wish"),
    "bulletins/appeals/queries.py": (), "bulletins/appeals/services.py": (), "bulletins/docx_templates/services.py": (),
    "bulletins/figures/freezing.py": ("freeze_figures", "_check_period"),
    "bulletins/figures/linked_figures.py": ("_check_values",), "bulletins/figures/periods.py": ("parts_of_period",),
    "bulletins/figures/gathering.py": ("gather_figures", "_check_settled", "_policy"),
    "programmes/registers/progress.py": (),
}  # fmt: skip
#: what they say to nobody who reads a page, and why
EXCEPTIONS: dict[str, str] = {
    "第 {} 句": "the beginning of the sentence about facts that nobody knows",
    "权限": "what is looked for in a sentence of the configuration",
    "未知": "the end of the name of the agent",
    " 不加密": "the end of the sentence about an address",
    "（不是惠算平台）": "the end of that about an answer",
    "快": "within the sentence about the controller's clock",
    "慢": "the same",
    "未知的": "of a file system, the same",
    "{}…（共 {} 字）": "within a line that a job wrote",
    "没有收入-not-included.txt": "a file in an archive, in both languages",
    "链接与特殊文件，没有收入 (links and special files):": "the same file",
    "…… 另有 {} 个 (and {} more)": "the same file",
    "＼": "a sign in a name",
    "作业 {} 的文件暂时清理不了：{}": "a line of the agent's log, which no page shows",
    "请求 {} 不是最新的：平台已收到更晚的请求，重放的不予理会": "answered to an agent",
    "还在运行": "stands within the sentence that it is a part of",
    "已结束": "the same",
    "{}{}，{} 秒中有记录的只有 {} 秒": "begins with what the run is and how it stands: the catalogue has both whole",
    "{}：参数 {}（{}）": "a form cuts it off: the field itself says which setting it is",
    "（第 {} 句“{}”）": "the end of the sentence about a bound",
    "（不跟随重定向）": "the end of the sentence about an answer",
    "{} 元": "money: its unit is put into English with the figure",
    "假设：法律未改": "a label, which the pages say by themselves",
    "情景": "the name of a scenario's file within the worker, in no sentence",
    "废止": "the beginning of a proposal's title, which is stored as written",
}
#: what no module says any more and stored texts may still hold
RETIRED: frozenset[str] = frozenset()
ALL = [Template.of(*pair) for pairs in subjects().values() for pair in pairs.items()]


def test_every_sentence_stands_once_and_each_file_is_sorted() -> None:
    found = [chinese for pairs in subjects().values() for chinese in pairs]
    assert len(found) == len(set(found)), sorted(each for each in found if found.count(each) > 1)
    for name, pairs in subjects().items():
        assert list(pairs) == sorted(pairs), name


def test_the_english_has_no_chinese_and_the_same_holes() -> None:
    assert [each.english for each in ALL if WIDE.search(each.english)] == []
    for wrong in ("{a}{b}为", "{a}为{a}", "{a}", "为{a}"):
        with pytest.raises(BadTemplate):
            Template.of(wrong, "x {b}")


SPEAKING: dict[str, tuple[str, ...]] = dict.fromkeys(SPEAKERS, ()) | ABILITIES | REFUSERS


@cache
def spoken(module: str) -> list[Literal]:
    """What a module can say; read when a test asks, not by everybody who collects the tests."""
    return list(literals(SOURCE / module, *SPEAKING[module]))


@pytest.mark.parametrize("module", SPEAKING)
def test_everything_that_a_module_can_say_has_its_english(module: str) -> None:
    missing = [
        f"{literal.place}: {literal}"
        for literal in spoken(module)
        if str(literal) not in EXCEPTIONS
        and all(HAN.search(translate(literal.filled(glued=way))) for way in (True, False))
    ]
    assert missing == []


def test_no_sentence_is_kept_that_nobody_says() -> None:
    everything = [*map(spoken, SPEAKING), *(literals(SOURCE / module) for module in NAMES)]
    said = "\n".join(str(each) for found in everything for each in found)
    said += (SOURCE / REGIONS).read_text("utf-8")
    unsaid = {each.chinese for each in ALL if not all(run in said for run in WORDS.findall(each.chinese))}
    assert unsaid == RETIRED


DATA = st.text(st.sampled_from("abcXYZ0189-_./<>&\"' $#"), min_size=1, max_size=12)
NUMBERS = st.integers(0, 10**6).map("{:,}".format)
WHOLE = [each for each in ALL if not each.holes]


def test_a_number_is_found_where_it_stands_though_the_data_before_it_has_gaps() -> None:
    sentence = Template.of("{node} {card} {#count} 张", "{count} {card} on {node}")
    assert sentence.match("gpu01 A800 SXM4 8 张") == {"node": "gpu01", "card": "A800 SXM4", "count": "8"}
    assert sentence.match("0   0 张") == {"node": "0", "card": " ", "count": "0"}
    between = Template.of("{job} {#lease} {node}", "{job} {lease} {node}")
    assert between.match("x y 3 z") == {"job": "x y", "lease": "3", "node": "z"}
    assert between.match("x y z") is None


@given(st.sampled_from(ALL), st.data())
def test_what_is_rendered_in_chinese_reads_as_the_english_rendering(template: Template, data: st.DataObject) -> None:
    values, meant = {}, {}
    for hole in template.holes:
        if hole.kind == "*":
            inner = data.draw(st.sampled_from(WHOLE))
            values[hole.name], meant[hole.name] = inner.chinese, inner.english
        else:
            values[hole.name] = meant[hole.name] = data.draw(NUMBERS if hole.kind == "#" else DATA)
    text = template.chinese
    for hole in template.holes:
        text = text.replace(f"{{{hole.kind}{hole.name}}}", values[hole.name], 1)
    # another sentence may fit as well, with more of it fixed, or the same cut otherwise; then that one is meant
    found, read = next(catalogue().find(text))
    assume(found == template and found.is_plain(read) and read == values)
    assert translate(text) == template.rendered(meant)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=300))
def test_any_text_comes_through_escaped_and_a_text_without_chinese_as_it_is(text: str) -> None:
    with translation.override("en"):
        shown = sentence_html(text)
    assert "<" not in re.sub(r'<span lang="zh-hans">|</span>', "", shown)
    if not WIDE.search(text):
        assert translate(text) == text


@pytest.mark.parametrize(
    "text",
    ["；" * LONGEST, "：" * LONGEST, "、；：" * (LONGEST // 3), "，但空出 卡的节点只有 " * 300, "（" * 2000,
     "等待 1 卡：" * 500, "第 1 行 " * 600, "a：" * 1500 + "等待", "，已按请求取消" * 500],
)  # fmt: skip
def test_no_text_costs_more_than_a_bounded_number_of_looks(text: str) -> None:
    translating = _Translating(catalogue())
    translating.of(text[:LONGEST])
    assert len(translating.seen) <= MOST_LOOKS
    assert translate(text + "x" * LONGEST) == text + "x" * LONGEST


def test_a_name_that_somebody_gave_is_neither_translated_nor_markup() -> None:
    with translation.override("en"):
        assert sentence_html("由 <b>等待</b> 提交") == (
            'Submitted by &lt;b&gt;<span lang="zh-hans">等待</span>&lt;/b&gt;'
        )  # fmt: skip
        assert sentence_html("谁也没有登记的话") == '<span lang="zh-hans">谁也没有登记的话</span>'
    with translation.override("zh-hans"):
        assert sentence_html("由 <b> 提交") == "由 &lt;b&gt; 提交"


@pytest.mark.parametrize(
    ("chinese", "said"),
    [
        ("等待 8 卡：hf A100 空闲 9/16 卡，但一个节点最多空 6 卡；wh H20 站点代理未连接；等 5 处",
         "Waiting for 8 cards: hf A100: 9 of 16 cards free, but no node has more than 6 free; "
         "wh H20: site agent not connected; 5 places in all"),
        ("第 2 次运行失败，退出码 3（由提交方取消）；将重试（最多 1 次）",
         "Run 2 failed with exit code 3 (Cancelled by the submitter); will be retried (at most 1 time)"),
        ("没有智算中心 hf-x；相近的有 hf-a、hf-b", "There is no centre hf-x; similar: hf-a, hf-b"),
        ("各处都不能运行 2 个节点共 8 卡的作业，等待也无用：hf A、wh B、bb C等 4 处：显存 8 GiB，不足 16 GiB；"
         "hn D：一个节点最多 4 卡，不足 8 卡；要用几个节点请写 --nodes 2",
         "No place can run a job of 8 cards on 2 nodes, and waiting will not help: hf A, wh B, bb C and others (4 in "
         "all): 8 GiB of memory, fewer than the 16 asked for; hn D: no node has more than 4 cards; 8 are needed; to "
         "spread over nodes, write --nodes 2"),
    ],
)  # fmt: skip
def test_sentences_of_several_parts_read_well(chinese: str, said: str) -> None:
    assert translate(chinese) == said


def told_of(text: str) -> list[str]:
    """The notes of a job file, or its faults."""
    try:
        return parse_job_file(text, "job").notes
    except FileRefused as refused:
        return str(refused).split("\n")


@pytest.mark.parametrize("value", ["", "=x", "=0", "=4", "=gpu:a100:2", "=a,b:c=d", "=A800", "=：4"])
def test_whatever_an_sbatch_option_is_told_reads_in_english(value: str) -> None:
    told = [
        text
        for name in (*OPTIONS, "gress", "no-such")
        for text in told_of(f"#!/bin/sh\n#SBATCH --{name}{value}\nsrun a\n")
    ]
    assert len(told) > len(OPTIONS)
    assert [text for text in told if HAN.search(translate(text))] == []


def test_what_real_job_files_are_told_reads_in_english() -> None:
    files = sorted((Path(__file__).parents[2] / "data" / "jobs").iterdir())
    told = [text for path in files for text in told_of(path.read_text("utf-8"))]
    assert len(told) > 50
    assert [text for text in told if HAN.search(translate(text))] == []


CODES = st.sampled_from(["hf-a", "wh-2", "bb"])
MODELS = st.sampled_from(["A100-80G", "H20", PROCESSOR_SLOT])
BINS = st.lists(st.integers(0, 3), min_size=2, max_size=9).map(tuple).filter(lambda bins: sum(bins) > 0)
POOLS = st.builds(
    Pool, centre=CODES, city=st.sampled_from(["340100", "340200"]), model=MODELS, vendor=st.just("NVIDIA"),
    memory_gib=st.integers(0, 96), tflops_fp16=st.decimals(0, 400, places=1), bins=BINS,
    fen_per_card_hour=st.none() | st.integers(0, 9999), online=st.booleans(),
    abilities=st.frozensets(st.sampled_from(["gang", "containers", "workdir"])),
)  # fmt: skip
NEEDS = st.builds(
    Needs, cards=st.integers(1, 32), nodes=st.integers(1, 4), models=st.lists(MODELS, max_size=2).map(tuple),
    vendor=st.sampled_from(["", "Huawei"]), min_memory_gib=st.integers(0, 200),
    min_tflops_fp16=st.decimals(0, 500, places=1), centre=st.none() | CODES, city=st.none() | st.just("340300"),
    price_ceiling_fen=st.none() | st.integers(0, 9999), not_at=st.frozensets(CODES),
    abilities=st.frozensets(st.sampled_from(["containers", "workdir"])),
)  # fmt: skip


@given(NEEDS, st.lists(POOLS, max_size=5), st.integers(0, 10**6), st.booleans(), st.none() | st.integers(1, 10**6))
def test_whatever_placement_decides_reads_in_english(
    needs: Needs, pools: list[Pool], now: int, backfilled: bool, expected: int | None
) -> None:
    out = [(pool, why) for pool in pools if (why := filter_pool(needs, pool)) is not None]
    told = [why_never(needs, out).text, *(rejection_text(rejection, needs, pool) for pool, rejection in out)]
    told += [free_cards(pool, pool.bins, needs) for pool in pools]
    if pools:
        request = PlacementRequest("j", "t", needs, 0, 86_400, None, expected)
        terms = PriceTerms.before(PlacementTenant("t", subsidy=Fraction(1, 3)), weights_on(date(2024, 6, 1)))
        ranked = tuple(Ranked(pool, at) for at, pool in enumerate(pools))
        told += [reason.text for reason in why_placed(PlacedJob(request, terms, now, ranked, backfilled, ()))]
    assert [text for text in told if WIDE.search(translate(text))] == []
