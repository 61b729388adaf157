"""Which columns of a table point at people: suggested by their names and by how many values they have. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum


class SuggestedRole(StrEnum):
    """What a column may be; a person decides."""

    IDENTIFIER = "identifier"
    QUASI_IDENTIFIER = "quasi_identifier"
    SENSITIVE = "sensitive"
    PLAIN = "plain"


_IDENTIFIERS = re.compile(r"姓名|名字|身份证|证件|手机|电话|号码|账号|卡号|邮箱|住址|地址|学号|工号|病历号|车牌")
_QUASI = re.compile(
    r"年龄|出生|生日|性别|民族|籍贯|区划|区县|县区|乡镇|街道|邮编|职业|学历|婚姻|户籍|毕业|入学|单位性质|行业"
)
_SENSITIVE = re.compile(r"疾病|病种|诊断|残疾|收入|工资|补助|金额|信仰|犯罪|处罚|低保|贫困|成绩|信用|血型|血压")
_UNIQUE = 0.95  # of the rows have a value of their own: a column that identifies by itself


def suggest_role(heading: str, values: Sequence[str]) -> SuggestedRole:
    """The role of a column. Its name decides first; then values that nearly every row has alone."""
    for pattern, role in (
        (_IDENTIFIERS, SuggestedRole.IDENTIFIER),
        (_SENSITIVE, SuggestedRole.SENSITIVE),
        (_QUASI, SuggestedRole.QUASI_IDENTIFIER),
    ):
        if pattern.search(heading):
            return role
    filled = [value for value in values if value.strip()]
    alone = len(set(filled)) >= _UNIQUE * len(filled) and len(filled) >= 20
    numbers = sum(value.replace(".", "").replace("-", "").isdigit() for value in filled[:1000])
    return SuggestedRole.IDENTIFIER if alone and numbers < len(filled[:1000]) / 2 else SuggestedRole.PLAIN
