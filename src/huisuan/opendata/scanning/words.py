"""What is found by words: plates, e-mail, addresses finer than a township, names in columns, marks of secrecy. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from huisuan.opendata.scanning.finding_kinds import Confidence, FindingKind
from huisuan.opendata.scanning.numbers import TextMatch

_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][ ·•-]?"
    "(?=[A-HJ-NP-Z0-9]{0,5}[0-9])[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9学警港澳挂](?![A-Za-z0-9])"
)
_SPELT_AT = re.compile(r"[\[(（]at[\])）]")
_BEFORE_AT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-"
_LONGEST_BEFORE_AT = 64
_AFTER_AT = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,3}\.[A-Za-z]{2,24}")
_HOUSE_NUMBER = r"(?<![0-9])[0-9一二三四五六七八九十]{1,5}+(?:-[0-9]{1,4}){0,4}+"
_OF_HOUSES = "(?:号|室|栋|幢|单元|组|户|弄)"
_DOOR = re.compile(_HOUSE_NUMBER + _OF_HOUSES)
#: looked for first: fewer begin so than with a numeral
_AFTER_NUMERAL = re.compile("[号室栋幢单组户弄](?<=[0-9一二三四五六七八九十].)")
_NUMBER_BEFORE = re.compile(_HOUSE_NUMBER + r"\Z")
_LONGEST_HOUSE_NUMBER = 25
_ROAD = re.compile(
    r"[\u4e00-\u9fff]{2,12}?(?:路|街|大道|巷|胡同|村|庄|社区|小区|花园|新村|公寓|苑|家园)[\u4e00-\u9fff0-9A-Za-z-]{0,16}$"
)
_NOT_A_DOOR = ("文件", "令", "公告", "通知", "号文", "〕", "]", "】", "第")
_NO_HOUSE = ("号文", "号令", "号公告", "号线", "号楼宇")
#: 教学楼一栋 says how many there are, 王家村三组 and 阳光苑二栋 say which
_COUNTED = re.compile("[楼房屋厦舍建有共为][一二三四五六七八九十][栋幢户](?![0-9一二三四五六七八九十])")
_COUNTING = 2  # characters of 一栋
_PLATE_KIND, _EMAIL_KIND, _ADDRESS_KIND = FindingKind.PLATE, FindingKind.EMAIL, FindingKind.ADDRESS  # looked up once
_LOOK_BACK = 32
#: a mark is one where it begins a line, a title or a paragraph; within a sentence it is talked about
_SECRECY = re.compile(
    r"^[ \t【\[(]*(?:(?:绝密|机密|秘密)[ \t]*+[★☆▲*]?(?:[ \t]*+(?:长期|\d{1,2}[ \t]*+[年月天])?[ \t】\])]*+)?(?=\r?$)"
    r"|(?:绝密|机密|秘密)[ \t]*[★☆▲]|密级[ \t]*[:：][ \t]*(?:绝密|机密|秘密)"
    r"|(?:内部资料|内部文件|内部刊物|仅供内部(?:使用|参考|传阅)|内部参考)"
    r"(?=[ \t,，。；;、!！】\])]|注意|妥善|严禁|不得|请勿|\r?$))",
    re.MULTILINE,
)
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范"
    "方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦"
    "申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄"
    "单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁"
    "商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩稽井练仲乐虞卞封竺冼原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙薄伏岑习胥保和蔺"
)
_TWO_SIGNS = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "夏侯", "司徒", "端木")
_PERSON = re.compile(r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,6}·[\u4e00-\u9fff]{1,8}")
_NAME_HEADS = re.compile(
    r"姓名|名字|法定代表人|法人代表|负责人|联系人|户主|经办人|申请人|当事人|配偶|监护人|学生|患者|职工|村民|受益人|name$",
    re.IGNORECASE,
)
_NOT_NAMES = re.compile(r"单位|企业|公司|项目|机构|部门|电话|手机|账号|地址|证|类|数")
_NO_PERSON_ENDS = frozenset("市县区镇乡村街路局部处科厅院校所店厂司组")
_FEWEST_NAMES, _NAMES_OF_A_LIST, _SHARE = 3, 10, 0.6


def find_words(text: str) -> Iterator[TextMatch]:
    """Plates, e-mail, addresses and marks of secrecy of a folded text."""
    for found in _PLATE.finditer(text):
        yield TextMatch(_PLATE_KIND, found.start(), found.end(), re.sub(r"[ ·•-]", "", found[0]))
    yield from _emails(text)
    yield from _addresses(text)
    for found in _SECRECY.finditer(text):
        yield TextMatch(FindingKind.SECRECY, found.start(), found.end(), found[0].strip(" \t　【[（(】])）"))


def _emails(text: str) -> Iterator[TextMatch]:
    done, at = 0, text.find("@")
    while at >= 0:
        found = _email_at(text, at, at + 1, done)
        if found is not None:
            done = found.end
            yield found
        at = text.find("@", at + 1)
    if "at]" in text or "at)" in text or "at）" in text:  # written so that no program reads it
        spelt = (_email_at(text, sign.start(), sign.end(), 0) for sign in _SPELT_AT.finditer(text))
        yield from filter(None, spelt)


def _email_at(text: str, at: int, after: int, done: int) -> TextMatch | None:
    """An address around its sign; a space may stand on each side of it."""
    at -= text[at - 1 : at] == " "
    before = text[max(done, at - _LONGEST_BEFORE_AT) : at]
    start = at - len(before) + len(before.rstrip(_BEFORE_AT))
    found = _AFTER_AT.match(text, after + (text[after : after + 1] == " ")) if start < at else None
    if found is None:
        return None
    return TextMatch(_EMAIL_KIND, start, found.end(), f"{text[start:at]}@{found[0]}".lower())


def _addresses(text: str) -> Iterator[TextMatch]:
    """A road, village or estate and a number of a house in it; what was found once is not found again further on."""
    done = 0
    for unit in _AFTER_NUMERAL.finditer(text):
        if unit.start() < done or text.startswith(_NO_HOUSE, unit.start()):
            continue
        end = unit.end() + (unit[0] == "单")
        if unit[0] == "单" and text[unit.end() : end] != "元":
            continue
        door = _NUMBER_BEFORE.search(text, max(unit.start() - _LONGEST_HOUSE_NUMBER, done), unit.start())
        if door is None:
            continue
        begins = max(door.start() - _LOOK_BACK, done)
        before = text[begins : door.start()]
        road = None if before.endswith(_NOT_A_DOOR) else _ROAD.search(before)
        if road is None:
            continue
        if end - door.start() == _COUNTING and _COUNTED.match(text, door.start() - 1):
            continue
        while (more := _DOOR.match(text, end)) is not None:
            end = more.end()
        done = end
        start = begins + road.start()
        yield TextMatch(_ADDRESS_KIND, start, end, text[start:end])


def is_name_column(head: str, cells: Sequence[str]) -> Confidence | None:
    """Whether a column holds names of people, by its header and by the share of its cells that look like one."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    people = sum(map(looks_like_name, filled))
    if len(filled) < _FEWEST_NAMES and not (filled and _NAME_HEADS.search(head)):
        return None
    share = people / len(filled) if filled else 0.0
    if _NAME_HEADS.search(head) and not _NOT_NAMES.search(head):
        return Confidence.HIGH if share >= _SHARE / 2 else None
    distinct = len(set(filled)) > len(filled) / 3
    return Confidence.LOW if share >= 0.9 and distinct and len(filled) >= 10 else None


def list_names(lines: Sequence[str]) -> list[str] | None:
    """The names among lines of which many are only a name, as in a cache or a list; None: it is no such list."""
    short = [line.strip() for line in lines if 2 <= len(line.strip()) <= 4]
    names = [line for line in short if looks_like_name(line)]
    return names if len(names) >= _NAMES_OF_A_LIST and len(names) >= _SHARE * len(short) else None


def is_surname(text: str) -> bool:
    """Whether a sign, or two, is a surname."""
    return text in _SURNAMES or text in _TWO_SIGNS


def looks_like_name(text: str) -> bool:
    """A surname and one or two signs more, or a name with a middle dot; a name that is partly starred out counts."""
    plain = text.replace("*", "某").replace(" ", "")
    if _PERSON.fullmatch(plain) is None or plain[-1] in _NO_PERSON_ENDS:
        return False
    if "·" in plain:
        return True
    return (plain[0] in _SURNAMES and len(plain) <= 3) or (plain[:2] in _TWO_SIGNS and len(plain) in (3, 4))
