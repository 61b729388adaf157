"""Text with planted names and numbers, generated from a seed, for bench/privacy.py.

Templates are apart from those the rules were written with; between what is planted stand look-alikes: order numbers,
batches of 24 digits, amounts, hashes, coordinates, ISBN, document numbers, times, addresses of machines.
"""

from __future__ import annotations

import random
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class NumberCorpus:
    """A text, and what is planted in it: kind, and its first and last place."""

    text: str
    planted: tuple[tuple[str, int, int], ...]


#: by kind the sentences that a value of it stands in
_SENTENCES: dict[str, tuple[str, ...]] = {
    "resident_id": ("持证人号码为{v}，已核验。", "证件{v}同意受理", "申报人（{v}）的材料齐全。", "编号：{v}；"),
    "mobile": ("来电号码{v}，请回复。", "有事请拨{v}。", "短信发送至{v}成功", "手机{v}、"),
    "landline": ("值班电话{v}。", "传真：{v}", "咨询请致电{v}，工作日有人接听。"),
    "bank_card": ("补贴打入{v}。", "收款卡号{v}，开户行为农商行。", "代发卡{v}已激活"),
    "uscc": ("单位代码{v}。", "统一社会信用代码：{v}，", "供应商{v}中标"),
    "plate": ("车辆{v}违停。", "号牌为{v}的货车", "{v}于昨日驶离。"),
    "passport": ("护照号码{v}。", "持港澳通行证{v}入境", "护照：{v}，有效。"),
    "email": ("邮箱{v}。", "请发至{v}，", "邮件地址：{v}"),
    "address": ("现居住于{v}。", "送达地址：{v}，", "房屋坐落在{v}"),
}
_ALIKE = (
    "订单号{d20}已发货。", "批次{d24}检验合格。", "合计{d5}.{d2}元。", "校验值{hex}。",
    "位于东经117.{d6}，北纬31.{d6}。",    "国际书号978-7-{d4}-{d4}-3。", "依据皖政办〔2024〕{d2}号文件。",
    "时间2025-03-1{d1} 08:{d1}0:00。", "主机10.{d2}.{d2}.1。",
    "流水{d18bad}入账。", "共{d11}吨。", "版本3.{d1}.{d2}。", "第{d2}号令废止。",
)  # fmt: skip
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def generate_numbers(seed: int, size: int, every: int = 200) -> NumberCorpus:
    """A text of so many bytes with a value of some kind every so many bytes (0: none), look-alikes between."""
    dice = random.Random(seed)
    pieces: list[str] = []
    planted: list[tuple[str, int, int]] = []
    at = written = 0
    kinds = list(_SENTENCES)
    while written < size:
        line = ""
        while len(line.encode()) < (every or 200) - 45:
            alike = dice.random() < 0.12
            line += _filled(dice, dice.choice(_ALIKE)) if alike else dice.choice(WITHOUT_NAMES)
        if every:
            kind = dice.choice(kinds)
            before, _, after = dice.choice(_SENTENCES[kind]).partition("{v}")
            value = _MAKERS[kind](dice)
            planted.append((kind, at + len(line + before), at + len(line + before + value)))
            line += before + value + after
        line += "\n" if dice.random() < 0.5 else "。"
        pieces.append(line)
        at += len(line)
        written += len(line.encode())
    return NumberCorpus("".join(pieces), tuple(planted))


def _digits(dice: random.Random, number: int) -> str:
    return "".join(dice.choices("0123456789", k=number))


def _filled(dice: random.Random, template: str) -> str:
    for size in (24, 20, 11, 6, 5, 4, 2, 1):
        while f"{{d{size}}}" in template:
            front = "7" if size == 11 else dice.choice("123456789")
            template = template.replace(f"{{d{size}}}", front + _digits(dice, size - 1), 1)
    if "{d18bad}" in template:  # as long as an ID and with no day in it
        template = template.replace("{d18bad}", f"{dice.randint(10, 99)}{_digits(dice, 4)}2099{_digits(dice, 8)}")
    return template.replace("{hex}", "".join(dice.choices("0123456789abcdef", k=40)))


def _resident_id(dice: random.Random) -> str:
    year, month = dice.randint(1940, 2015), dice.randint(1, 12)
    day = dice.randint(1, monthrange(year, month)[1])
    area = dice.choice(("340104", "341202", "110108", "320582", "440305", "510107", "342401"))
    front = f"{area}{year}{month:02}{day:02}{_digits(dice, 3)}"
    whole = front + "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, front, strict=True)) % 11]
    form = dice.random()
    if form < 0.1:
        return f"{whole[:6]} {whole[6:14]} {whole[14:]}"
    return "".join(chr(ord(sign) + 0xFEE0) for sign in whole) if form < 0.2 else whole


def _mobile(dice: random.Random) -> str:
    whole = dice.choice(("138", "139", "150", "177", "186", "199", "133")) + _digits(dice, 8)
    form = dice.random()
    if form < 0.15:
        return f"{whole[:3]}{dice.choice(' -')}{whole[3:7]}{'-'}{whole[7:]}".replace(" ", "-")
    return "+86" + whole if form < 0.25 else whole


def _landline(dice: random.Random) -> str:
    return f"{dice.choice(('0551', '0553', '010', '021'))}-{dice.choice('23456')}{_digits(dice, 7)}"


def _bank_card(dice: random.Random) -> str:
    front = dice.choice(("622848", "621700", "622202", "623668")) + _digits(dice, 12)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(front)))
    whole = f"{front}{-total % 10}"
    return " ".join(whole[at : at + 4] for at in range(0, 19, 4)) if dice.random() < 0.2 else whole


def _uscc(dice: random.Random) -> str:
    front = dice.choice(("91", "11", "12", "52")) + f"3401{_digits(dice, 2)}MA" + "".join(dice.choices(_SIGNS, k=7))
    total = sum(_SIGNS.index(sign) * (3**place % 31) for place, sign in enumerate(front))
    return front + _SIGNS[-total % 31]


def _plate(dice: random.Random) -> str:
    tail = "".join(dice.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=4))
    return f"{dice.choice('皖苏浙京沪鄂')}{dice.choice('ABCDEFGH')}{dice.choice(('', '·'))}{tail}{dice.randint(0, 9)}"


def _passport(dice: random.Random) -> str:
    return dice.choice("EGC") + _digits(dice, 8)


def _email(dice: random.Random) -> str:
    name = "".join(dice.choices("abcdefghijkmnprstuwxyz0123456789._", k=8)).strip("._") or "a"
    return f"{name}@{dice.choice(('163.com', 'qq.com', 'ah.gov.cn', 'example.com.cn'))}"


def _address(dice: random.Random) -> str:
    road = dice.choice(("徽州大道", "翡翠路", "黄山街", "望江西路", "锦绣花园", "大塘村", "滨河小区"))
    end = dice.choice((f"{dice.randint(1, 999)}号", f"{dice.randint(1, 30)}栋{dice.randint(101, 2400)}室"))
    return f"{dice.choice(('合肥市蜀山区', '芜湖市镜湖区', '六安市'))}{road}{end}"


_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "resident_id": _resident_id, "mobile": _mobile, "landline": _landline, "bank_card": _bank_card, "uscc": _uscc,
    "plate": _plate, "passport": _passport, "email": _email, "address": _address,
}  # fmt: skip
