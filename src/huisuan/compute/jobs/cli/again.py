"""`huisuan job resubmit`, `huisuan job template`: what was submitted once, once more."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated

import typer

from huisuan.client import connect
from huisuan.compute.jobs.cli.completion import job_uids, template_names
from huisuan.compute.jobs.cli.output import print_job
from huisuan.compute.jobs.cli.request_from_options import planned, upload
from huisuan.protocol.job_desk import TemplateRequest
from huisuan.terminal import AsJson, note, out, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="单位的作业模板：存、列、提交、删除")
Name = Annotated[
    str, typer.Argument(metavar="模板名", help="见 huisuan job template list", autocompletion=template_names)
]


def resubmit_jobs(
    uids: Annotated[list[str], typer.Argument(metavar="作业号…", help="见 huisuan job list", autocompletion=job_uids)],
    as_json: AsJson = False,
) -> None:
    """照原样再提交一次：命令、卡、环境变量的值、工作目录都不变；阵列里的一个只提交那一个。"""
    with connect() as client:
        jobs = [client.resubmit(uid) for uid in dict.fromkeys(uids)]
    if as_json:
        print_json([job.model_dump() for job in jobs])
        return
    for job in jobs:
        print_job(job)


@app.command("list")
def list_templates(as_json: AsJson = False) -> None:
    """列出单位的模板。"""
    with connect() as client:
        found = client.templates()
    if as_json:
        print_json([template.model_dump(mode="json") for template in found])
        return
    rows = [
        {
            "name": template.name, "cards": template.request.cards, "models": "、".join(template.request.models),
            "made_by": template.made_by, "made_at": template.made_at,
        }
        for template in found
    ]  # fmt: skip
    columns = {"name": "模板", "cards": "卡数", "models": "型号", "made_by": "存的人", "made_at": "存于"}
    print_table("模板", rows, columns, "还没有模板：用 huisuan job template save 名 文件，或 --from 作业号 存一个")


@app.command("save")
def save(
    name: Name,
    file: Annotated[str | None, typer.Argument(metavar="[文件]", help="作业文件，任何一种格式；- 表示标准输入")] = None,
    uid: Annotated[str | None, typer.Option("--from", help="照这个作业存")] = None,
    as_json: AsJson = False,
) -> None:
    """存一个模板，同名的换掉；变量的值也存下，但只显示名字。"""
    if (file is None) == (uid is None):
        raise typer.BadParameter("请写作业文件，或 --from 作业号，二者之一")
    with connect() as client:
        asked = TemplateRequest(from_job=uid)
        if file is not None:
            plan = planned(file, None, (), defaultdict[str, None](lambda: None))  # no option is given
            request = plan.request
            for text in request.notes:
                note(f"没有照搬：{text}")
            if plan.folder is not None:
                request = request.model_copy(update={"workdir": upload(client, plan.folder, request.party)})
            asked = TemplateRequest(request=request)
        kept = client.save_template(name, asked)
    if as_json:
        print_json(kept.model_dump(mode="json"))
    else:
        out.print(f"已存为模板 {kept.name}；提交：huisuan job template submit {kept.name}", markup=False)


@app.command("submit")
def submit_template(name: Name, as_json: AsJson = False) -> None:
    """照模板提交一个作业。"""
    with connect() as client:
        job = client.submit_template(name)
    if as_json:
        print_json(job.model_dump())
    else:
        print_job(job)


@app.command("delete")
def delete(name: Name, as_json: AsJson = False) -> None:
    """删除一个模板；照它提交过的作业不受影响。"""
    with connect() as client:
        client.delete_template(name)
    if as_json:
        print_json({"name": name, "deleted": True})
    else:
        out.print(f"模板 {name} 已删除", markup=False)
