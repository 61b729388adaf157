"""Limits of text and numbers in requests: what no column can store is a client error, refused before any view runs."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from huisuan.parties.api_errors import ApiRefusal

MAX_INTEGER = 2**63 - 1
TOO_LONG_NUMBER = re.compile(r"[-+]?[0-9]{19,}(?:\.[0-9]*)?")  # no number that we keep has so many digits
NOT_STORABLE_TEXT = "请求里有不能存的字符（NUL 或半个代理对）：请去掉后再试"
NUMBER_OUT_OF_RANGE = "请求里的数超出范围：整数至多 64 位，小数必须有限"


def is_storable_text(text: str) -> bool:
    """Whether a text has neither a NUL nor half a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


class StrictParser(Parser):
    """JSON and forms of the API: 400 for what can't be kept, with words."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The JSON of a body.

        Raises:
            ApiRefusal: 400.
        """
        try:
            found = json.loads(
                request.body, parse_int=_parse_integer, parse_float=_parse_number, parse_constant=_parse_number
            )
        except (ValueError, RecursionError):
            raise ApiRefusal(400, "请求的正文不是 JSON", code="input.not_json") from None
        return _check_texts(found)

    def parse_querydict(
        self, data: MultiValueDict[str, str], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """The values of a query or a form.

        Raises:
            ApiRefusal: 400.
        """
        for name, texts in data.lists():
            _check_texts([name, *texts])
        return super().parse_querydict(data, list_fields, request)


def _parse_integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > MAX_INTEGER:
        raise ApiRefusal(400, NUMBER_OUT_OF_RANGE, code="input.number_out_of_range")
    return int(text)


def _parse_number(text: str) -> float:
    if not math.isfinite(found := float(text)):
        raise ApiRefusal(400, NUMBER_OUT_OF_RANGE, code="input.number_out_of_range")
    return found


def _check_texts(found: Any) -> Any:
    """The same, if every text in it can be kept."""
    waiting = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and not is_storable_text(value):
            raise ApiRefusal(400, NOT_STORABLE_TEXT, code="input.text_not_storable")
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
    return found
