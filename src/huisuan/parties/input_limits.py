"""Text and numbers that may come in: what no column keeps is the asker's mistake, told before anything looks at it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.errors import HttpError
from ninja.parser import Parser

BEYOND = 2**63 - 1
LONG = re.compile(r"[-+]?[0-9]{19,}(?:\.[0-9]*)?")  # no number that we keep has so many digits
NOT_TEXT = "请求里有不能存的字符（NUL 或半个代理对）：请去掉后再试"
TOO_LARGE = "请求里的数超出范围：整数至多 64 位，小数必须有限"


def can_be_kept(text: str) -> bool:
    """Whether a text has neither a NUL nor half a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


class StrictParser(Parser):
    """JSON and forms of the API: 400 for what can't be kept, with words."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The JSON of a body.

        Raises:
            HttpError: 400.
        """
        try:
            found = json.loads(request.body, parse_int=_integer, parse_float=_number, parse_constant=_number)
        except (ValueError, RecursionError):
            raise HttpError(400, "请求的正文不是 JSON") from None
        return _checked(found)

    def parse_querydict(
        self, data: MultiValueDict[str, str], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """The values of a query or a form.

        Raises:
            HttpError: 400.
        """
        for name, texts in data.lists():
            _checked([name, *texts])
        return super().parse_querydict(data, list_fields, request)


def _integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > BEYOND:
        raise HttpError(400, TOO_LARGE)
    return int(text)


def _number(text: str) -> float:
    if not math.isfinite(found := float(text)):
        raise HttpError(400, TOO_LARGE)
    return found


def _checked(found: Any) -> Any:
    """The same, if every text in it can be kept."""
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and not can_be_kept(one):
            raise HttpError(400, NOT_TEXT)
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
    return found
