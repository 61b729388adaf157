"""YAML with the place of everything in it, and every plain value as it is written: 1.10 stays 1.10, yes stays yes.

What YAML makes of plain words (octal numbers, base 60, yes as true) is not what people mean by them in a job file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from huisuan.compute.jobspec.core.parse_result import Fault, FilePlace, FileRefused

_MOST_NODES = 20_000  # aliases counted as often as they are used: a small file can unfold to anything
_DEEPEST = 60
SCALARS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value")
)
NULL = "tag:yaml.org,2002:null"
STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
#: what the parser says, in words that help
_HINTS = {
    "found character '\\t'": "缩进不能用制表符（Tab），请改成空格",
    "mapping values are not allowed here": "这里不该有冒号：含冒号的值请加引号，或检查缩进",
    "could not find expected ':'": "缺少冒号，或上一行的引号没有收尾",
    "expected <block end>": "缩进与上面不一致",
    "did not find expected": "缩进与上面不一致，或括号、引号没有收尾",
    "found undefined alias": "引用了没有定义的锚点",
    "found unexpected end of stream": "文件在引号或括号里结束了",
    "found unhashable key": "键应是文字；双花括号 {{ }} 是模板，请先展开再提交",
}


@dataclass(frozen=True)
class YamlNode:
    """A value with its place: text, a list, a mapping, or nothing (null)."""

    at: FilePlace
    value: str | list[YamlNode] | dict[str, YamlNode] | None
    string: bool = True  # whether YAML reads the text as text, not as a number, a date, true or false
    keys: dict[str, FilePlace] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        """The text, if it is one."""
        return self.value if isinstance(self.value, str) else None

    @property
    def items(self) -> list[YamlNode] | None:
        """The list, if it is one."""
        return self.value if isinstance(self.value, list) else None

    @property
    def fields(self) -> dict[str, YamlNode] | None:
        """The mapping, if it is one."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def kind(self) -> str:
        """What it is, in words."""
        names = {str: "文字", list: "列表", dict: "键值对"}
        return names[type(self.value)] if self.value is not None else "空值"

    @property
    def data(self) -> object:
        """The bare values."""
        if isinstance(self.value, list):
            return [item.data for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.data for key, item in self.value.items()}
        return self.value

    def key_at(self, key: str) -> FilePlace:
        """Where a key stands."""
        return self.keys.get(key, self.at)


def documents(text: str, name: str) -> list[YamlNode]:
    """The documents of a YAML text (JSON is one); empty ones left out.

    Raises:
        FileRefused: it is no YAML, or unfolds to too much.
    """
    try:
        composed = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
        return [node for node in map(_Unfolding(name).node, composed) if node.value is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = FilePlace(mark.line + 1, mark.column + 1) if mark else FilePlace()
        raise FileRefused(name, [Fault(at, f"YAML 写法不对：{_words(error)}")]) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        at = FilePlace(before.count("\n") + 1, len(before) - before.rfind("\n"))
        sign = chr(error.character) if isinstance(error.character, int) else str(error.character)
        raise FileRefused(name, [Fault(at, f"含有不能出现的字符 {sign!r}")]) from None
    except yaml.YAMLError as error:
        raise FileRefused(name, [Fault(FilePlace(), f"YAML 写法不对：{error}")]) from None
    except RecursionError:
        raise FileRefused(name, [Fault(FilePlace(), f"嵌套太深（最多 {_DEEPEST} 层）")]) from None


def _words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or str(error)
    return next((f"{hint}（{problem}）" for start, hint in _HINTS.items() if start in problem), problem)


class _Unfolding:
    """Turns the parser's nodes into ours; aliases become what they stand for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def node(self, node: yaml.Node, depth: int = 0) -> YamlNode:
        at = _place(node)
        self.count += 1
        if self.count > _MOST_NODES or depth > _DEEPEST:
            raise self._refused(at, f"太大或嵌套太深（最多 {_MOST_NODES} 个值、{_DEEPEST} 层）：请去掉引用自己的锚点")
        if isinstance(node, yaml.ScalarNode):
            if node.tag not in SCALARS:
                raise self._refused(at, f"不支持标签 {node.tag.removeprefix('tag:yaml.org,2002:')}：请写普通的值")
            return YamlNode(at, None if node.tag == NULL else node.value, node.tag == STRING)
        if isinstance(node, yaml.SequenceNode):
            return YamlNode(at, [self.node(item, depth + 1) for item in node.value])
        return self._mapping(node, at, depth)

    def _mapping(self, node: yaml.Node, at: FilePlace, depth: int) -> YamlNode:
        values: dict[str, YamlNode] = {}
        keys: dict[str, FilePlace] = {}
        merged: dict[str, YamlNode] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for part in self._merged(value, depth):
                    merged = {**(part.fields or {}), **merged}
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise self._refused(_place(key), _HINTS["found unhashable key"])
            if key.value in values:
                first = keys[key.value].line
                raise self._refused(_place(key), f"键 {key.value} 在第 {first} 行已经写过：请只留一个")
            keys[key.value] = _place(key)
            values[key.value] = self.node(value, depth + 1)
        return YamlNode(at, {**merged, **values}, keys={**{key: node.at for key, node in merged.items()}, **keys})

    def _merged(self, value: yaml.Node, depth: int) -> Iterator[YamlNode]:
        for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if not isinstance(part, yaml.MappingNode):
                raise self._refused(_place(part), "<< 之后应是键值对")
            yield self.node(part, depth + 1)

    def _refused(self, at: FilePlace, text: str) -> FileRefused:
        return FileRefused(self.name, [Fault(at, text)])


def _place(node: yaml.Node) -> FilePlace:
    return FilePlace(node.start_mark.line + 1, node.start_mark.column + 1)
