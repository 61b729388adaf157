"""What a request names, looked up: parties, centres, cities, models, uploads, jobs; the nearest ones if unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from django.db.models import QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotFound, Refused
from huisuan.compute.accelerators import matching_models, matching_vendor
from huisuan.compute.accelerators.registry import to_card
from huisuan.compute.jobs.workdirs.services import uploads_for
from huisuan.compute.models import FINAL_STATES, Accelerator, Centre, Job, JobState, Upload
from huisuan.parties.models import Party, Region
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest

MOST_LINKS = 100_000  # jobs to wait for, over all the jobs of an array


def models_for(asked: JobRequest) -> tuple[list[str], str]:
    """The models that will do (empty: any) and the maker ("": any), as the catalogue writes them.

    Raises:
        Refused: an unknown name, or no model of the catalogue is all that is asked for.
    """
    catalogue = list(Accelerator.objects.all())
    cards = [to_card(each) for each in catalogue]
    named = list(dict.fromkeys(model for name in asked.models for model in matching_models(name, cards)))
    vendor = matching_vendor(asked.vendor) if asked.vendor else ""
    limits = {
        f"型号 {'、'.join(named)}": [one for one in catalogue if not named or one.model in named],
        f"厂商 {vendor}": [one for one in catalogue if not vendor or one.vendor == vendor],
        f"显存 ≥ {asked.min_memory_gib} GiB": [one for one in catalogue if one.memory_gib >= asked.min_memory_gib],
        f"FP16 ≥ {asked.min_tflops_fp16} TFLOPS": [
            one for one in catalogue if one.tflops_fp16 >= asked.min_tflops_fp16
        ],
    }
    if not any(all(one in able for able in limits.values()) for one in catalogue):
        wanted = [text for text, able in limits.items() if len(able) < len(catalogue)]
        raise NotFound(
            f"加速卡目录中没有同时满足的型号：{'；'.join(wanted)}。请放宽其中一项", code="accelerator.none_fits"
        )
    return named, vendor


def centre_named(code: str | None) -> Centre | None:
    """The centre of that code, whatever the case of its letters.

    Raises:
        Refused: there is none.
    """
    if not code:
        return None
    found = Centre.objects.filter(code__iexact=code).first()
    if found is None:
        raise NotFound(
            f"没有智算中心 {code}{_nearest(code, Centre.objects.values_list('code', flat=True))}", code="centre.unknown"
        )
    return found


def city_named(name: str | None) -> Region | None:
    """A city of Anhui by its code (340100), its name (合肥市, 合肥) or its English name.

    Raises:
        Refused: there is none.
    """
    if not name:
        return None
    cities = [region for region in Region.objects.filter(code__startswith="34") if region.code != "340000"]
    asked = name.strip().lower()
    for city in cities:
        if asked in (city.code, city.name_zh, city.name_zh.removesuffix("市"), city.name_en.lower()):
            return city
    raise NotFound(f"没有市 {name}：请写安徽省各市的名称或行政区划代码，例如 合肥 或 340100", code="city.unknown")


def place_of_data(name: str | None) -> tuple[Centre | None, Region | None]:
    """Where the data lie: a centre, or a city.

    Raises:
        Refused: neither.
    """
    if not name:
        return None, None
    if centre := Centre.objects.filter(code__iexact=name).first():
        return centre, None
    try:
        return None, city_named(name)
    except Refused:
        near = _nearest(name, Centre.objects.values_list("code", flat=True))
        raise NotFound(
            f"数据所在 {name}：既不是智算中心的代码，也不是安徽省的市{near}", code="job.data_location_unknown"
        ) from None


def upload_named(sha256: str | None, party: Party, viewer: Viewer) -> Upload | None:
    """A working directory that the party uploaded, and that the viewer may use.

    Raises:
        Refused: it did not.
    """
    if not sha256:
        return None
    found = uploads_for(viewer).filter(party=party, sha256=sha256).first()
    if found is None:
        raise NotFound(
            f"工作目录 {sha256} 没有上传：请先用 POST /api/v1/uploads 上传，或用 --workdir 目录",
            code="workdir.not_uploaded",
        )
    return found


def jobs_before(uids: Sequence[str], party: Party, viewer: Viewer, followers: int) -> list[Job]:
    """The jobs to wait for, locked until they are noted down; an array's first uid stands for the whole array.

    Raises:
        Refused: one is not the party's, or not of the project that the viewer's token is bound to, or has ended
            without being done, or they are too many.
    """
    if not uids:
        return []
    within = Job.objects.filter(party=party)
    if viewer.project_id is not None:
        within = within.filter(project=viewer.project_id)
    named = within.filter(pk__in=uids)
    missing = sorted(set(uids) - set(named.values_list("pk", flat=True)))
    if missing:
        raise NotFound(f"要先完成的作业 {'、'.join(missing)} 不存在，或不属于这个主体", code="job.dependency_unknown")
    # in order of their names: two submissions that wait for the same jobs do not wait for each other
    whole: QuerySet[Job] = (named | within.filter(array_uid__in=uids)).order_by("pk")
    found = list(whole.select_for_update(of=("self",), no_key=True).only("pk", "state"))
    over = [job for job in found if job.state in FINAL_STATES and job.state != JobState.DONE]
    if over:
        first = over[0]
        raise Conflict(
            f"要先完成的作业 {first.pk} 已经{first.get_state_display()}，不会再完成", code="job.dependency_failed"
        )
    if len(found) * followers > MOST_LINKS:
        raise InvalidRequest(
            f"{followers} 个作业各等待 {len(found)} 个作业，合计超过 {MOST_LINKS} 对：请分步提交",
            code="job.dependencies_too_many",
        )
    return [job for job in found if job.state != JobState.DONE]


def _nearest(name: str, known: Iterable[str]) -> str:
    by_small = {one.lower(): one for one in known}
    near = [by_small[one] for one in get_close_matches(name.lower(), by_small, n=3, cutoff=0.4)]
    return f"；相近的有 {'、'.join(near)}" if near else ""
