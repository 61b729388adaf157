"""A sample of sealed usage records for an audit: who is drawn is decided by the seed and the records' leaves alone.

Each record of the population has a rank, SHA-256 over the seed and its leaf; of each stratum those of the lowest ranks
are drawn. Nobody can choose the sample, for the leaves are under the Merkle roots that were signed before the seed was
named; and anyone can draw it again. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import bytes_sha256
from huisuan.base.text_length import shortened
from huisuan.compute.metering.audit.folder import canonical, is_signed
from huisuan.compute.metering.audit.seals import check_inclusion

SAMPLE_KIND = "huisuan-sample-1"
MOST_SAMPLED = 10_000
LONGEST_SEED = 80  # characters
#: by what a population can be divided
STRATIFIED_BY = ("centre", "party", "amount")
#: the edges of the strata by amount, in fen: below the first, between, from the last on
AMOUNT_EDGES_FEN = (10_000, 100_000, 1_000_000)


def sample_rank(seed: str, leaf: str) -> str:
    """The rank of a record in a sample, 64 hexadecimal digits; `leaf` is its own, in hexadecimal digits."""
    return bytes_sha256(f"{SAMPLE_KIND};{len(seed)}:{seed};{leaf}".encode())


def check_sample_request(seed: str, size: int, by: str) -> None:
    """Refuse what cannot be drawn.

    Raises:
        InvalidRequest: no seed, a seed that nobody can type again, a size beyond measure, an unknown division.
    """
    if not seed or len(seed) > LONGEST_SEED or not seed.isprintable():
        raise InvalidRequest(
            f"种子应是 1 至 {LONGEST_SEED} 个可见的字：封账之后才定、大家都看得到的，如开奖号码",
            code="sample.seed_malformed",
        )
    if not 1 <= size <= MOST_SAMPLED:
        raise InvalidRequest(f"样本 {size} 条：应在 1 与 {MOST_SAMPLED:,} 之间", code="sample.size_out_of_range")
    if by not in STRATIFIED_BY:
        raise InvalidRequest(
            f"分层 {shortened(by, 40)}：可用 {'、'.join(STRATIFIED_BY)}", code="sample.division_unknown"
        )


def allocate_sample(size: int, strata: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """How many records each stratum gives; `strata` maps it to (records, weight).

    One of each at least; the others go one by one to the stratum of the highest weight / (2 x taken + 1) (Sainte-Lague;
    ties: by name) that has any left. So a larger sample holds the smaller one, which shares by remainders do not grant.
    Adds up to the size, or to the whole population if that is less.

    Raises:
        InvalidRequest: the sample is smaller than the number of strata.
    """
    if size < len(strata):
        raise InvalidRequest(
            f"样本 {size} 条少于层数 {len(strata)}：每层至少一条，请加大样本，或换一种分层", code="sample.too_small"
        )
    taken = dict.fromkeys(strata, 1)
    turns = [(_turn(weight, 1), name) for name, (records, weight) in strata.items() if records > 1]
    heapify(turns)
    for _ in range(min(size, sum(records for records, _ in strata.values())) - len(strata)):
        _, name = heappop(turns)
        taken[name] += 1
        records, weight = strata[name]
        if taken[name] < records:
            heappush(turns, (_turn(weight, taken[name]), name))
    return taken


def _turn(weight: int, taken: int) -> Fraction:
    """When a stratum is next: the lowest first."""
    return Fraction(-max(weight, 1), 2 * taken + 1)


def amount_stratum(fen: int | None) -> str:
    """The stratum of an amount in fen; None where the record has no price."""
    if fen is None:
        return "none"
    return str(sum(1 for edge in AMOUNT_EDGES_FEN if fen >= edge))


def check_sample(sample: Mapping[str, Any], platform_key: str | None) -> list[str]:
    """What is wrong with a sample (`audit sample --json`); nothing where every line of it holds.

    Checked are the platform's signature over the whole; of each line its rank, its stratum, its inclusion in a sealed
    month, and its source line against the hash that the record carries; and how many each stratum gives.

    Raises:
        KeyError, TypeError, ValueError: it is no sample.
    """
    signed = {name: value for name, value in sample.items() if name != "signature"}
    key = platform_key or sample["platform_key"]
    wrong = []
    if platform_key not in (None, sample["platform_key"]):
        wrong.append("平台公钥不是您指定的那一把")
    if not is_signed(key, sample["signature"], sample_digest(signed)):
        wrong.append("平台的签名与样本不符")
    lines: Sequence[Mapping[str, Any]] = sample["lines"]
    for number, line in enumerate(lines, start=1):
        place = f"样本第 {number} 条（{line['record']['centre']}/{line['record']['sequence']}）"
        seal = sample["seals"][line["seal"]]
        proof = {**line, "seal": seal, "platform_key": sample["platform_key"]}
        wrong += [f"{place}：{each}" for each in check_inclusion(proof, platform_key)]
        if line["rank"] != sample_rank(sample["seed"], line["leaf"]):
            wrong.append(f"{place}：名次不是由种子和叶算出的")
        if bytes_sha256(_raw(line)) != line["record"]["raw_sha256"]:
            wrong.append(f"{place}：原始行与记录所载的哈希不符")
    names = [(line["record"]["centre"], line["record"]["sequence"]) for line in lines]
    if len(set(names)) != len(names):
        wrong.append("同一条记录在样本里出现了不止一次")
    return [*wrong, *_wrong_strata(sample)]


def _wrong_strata(sample: Mapping[str, Any]) -> list[str]:
    """What is wrong with the division of a sample."""
    wrong, strata, by = [], sample["strata"], sample["by"]
    lines: Sequence[Mapping[str, Any]] = sample["lines"]
    for number, line in enumerate(lines, start=1):
        if line["stratum"] not in strata or line["stratum"] != _stratum(line, by):
            wrong.append(f"样本第 {number} 条不属于所载的层 {str(line['stratum'])[:40]}")
    for name, stratum in strata.items():
        if sum(1 for line in lines if line["stratum"] == name) != stratum["taken"]:
            wrong.append(f"层 {name} 的条数与所载的不符")
    weights = {
        name: (stratum["records"], stratum["amount_fen"] if by == "amount" else stratum["records"])
        for name, stratum in strata.items()
    }
    given = {name: stratum["taken"] for name, stratum in strata.items()}
    if sample["size"] != len(lines) or len(lines) < len(strata) or allocate_sample(len(lines), weights) != given:
        wrong.append("各层的条数不是按规则由层的大小分出的")
    if sum(stratum["records"] for stratum in strata.values()) != sum(month["records"] for month in sample["months"]):
        wrong.append("各层的记录数加起来不是所载封账月的记录数：抽的范围不全")
    months = {(month["centre"], month["month"]): (month["root"], month["records"]) for month in sample["months"]}
    for seal in sample["seals"]:
        said = json.loads(seal["statement"])
        if months.get((said["centre"], said["month"])) != (said["root"], said["records"]):
            wrong.append(f"{said['centre']} {said['month']} 的根或记录数与封账书不符")
    return wrong


def _stratum(line: Mapping[str, Any], by: str) -> str:
    if by == "amount":
        return amount_stratum(line["amount_fen"])
    named: str | None = line["record"][by]
    return named or "none"


def sample_digest(signed: Mapping[str, Any]) -> bytes:
    """What the platform signs of a sample: SHA-256 over its canonical JSON without the signature."""
    return bytes.fromhex(bytes_sha256(canonical(dict(signed)).encode()))


def _raw(line: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(line["source"]["raw_base64"], validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
