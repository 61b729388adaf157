"""Names that the words around them give away: 联系人王小明, 李四同志, 张伟（身份证号…). Pure.

A surname alone is no sign: half of all text has one within a sentence. A cue stands right before or right behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from huisuan.opendata.scanning.words import is_surname

_HAN = "一-鿿"
#: who somebody is, before their name; none of these words is a name itself
_ROLES = (
    "姓名 联系人 负责人 法定代表人 法人代表 户主 申请人 当事人 经办人 经办 患者 学生 丈夫 "
    "妻子 配偶 监护人 签名 签字 签发人 承办人 审核人 校对 受益人 被告人 原告 被告 死者 "
    "职工 村民 居民 业主 承租人 举报人 投诉人 收件人 寄件人 教师 儿子 女儿 父亲 母亲 "
    "之子 之女 队长 组长 主任 书记 局长 科长 处长 县长 镇长 市长 经理 院长 校长 "
    "医生 护士 司机 记者 教授 律师"
)
BEFORE_NAMES = frozenset(_ROLES.split())
_BEFORE = re.compile(
    f"(?:{'|'.join(sorted(BEFORE_NAMES, key=len, reverse=True))})(?:[:：为是叫系]|[ \\t]{{1,4}}|分别为|名叫)?"
)
_BETWEEN = re.compile("[、和及与,，/ ]{1,2}")
_AFTER = re.compile(
    "(?:同志|先生|女士|小姐|老师|教授|医生|大夫|师傅|同学|某某|本人|[(（]?(?:身份证|男|女)[,，、。；;)）号汉回]"
    "|[(（](?:男|女|身份证|电话|手机|联系)|[,，](?:男|女)[,，。]|等[一二两三四五六七八九十0-9]{1,3}[人户名]"
    "|[,，]?(?:身份证号|家住|住址|住在|联系电话|手机号|电话[:：1]))"
)
_NEXT = frozenset("电手身联住男女的在为是等任说称表报负到从与和及因系签于已将有被把又也，。、；：（）()")
_LONGEST, _LONGEST_DOUBLE = 3, 4
_DOTTED = re.compile(f"[{_HAN}]{{1,6}}(?:·[{_HAN}]{{1,6}}){{1,3}}")


def cued_names(text: str) -> Iterator[tuple[int, int]]:
    """Where names stand beside a cue: from, to before."""
    for cue in _BEFORE.finditer(text):
        at = cue.end()
        while (end := _name_from(text, at)) is not None:
            yield at, end
            further = _BETWEEN.match(text, end)
            if further is None:
                break
            at = further.end()
    for cue in _AFTER.finditer(text):
        start = _name_to(text, cue.start())
        if start is not None and text[start : cue.start()] not in BEFORE_NAMES:
            yield start, cue.start()


def _name_from(text: str, at: int) -> int | None:
    """Where a name that begins here ends: a surname, and one or two signs that are no word of what follows."""
    dotted = _DOTTED.match(text, at)
    if dotted is not None:
        return dotted.end()
    double = is_surname(text[at : at + 2])
    if not double and not is_surname(text[at : at + 1]):
        return None
    most = at + (_LONGEST_DOUBLE if double else _LONGEST)
    end = at + (2 if double else 1)
    while end < min(most, len(text)) and "一" <= text[end] <= "鿿" and (text[end] not in _NEXT):
        end += 1
    return end if end - at >= (3 if double else 2) else None


def _name_to(text: str, end: int) -> int | None:
    """Where a name that ends here begins; the longest that has a surname and no other sign of a word before it."""
    begin = max(end - _LONGEST_DOUBLE, 0)
    for start in range(begin, end - 1):
        piece = text[start:end]
        if not all("一" <= sign <= "鿿" for sign in piece):
            continue
        if (is_surname(piece[:2]) and len(piece) in (3, 4)) or (len(piece) == _LONGEST and is_surname(piece[0])):
            return start
    piece = text[end - 2 : end]
    return end - 2 if len(piece) == 2 and is_surname(piece[0]) and "一" <= piece[1] <= "鿿" else None
