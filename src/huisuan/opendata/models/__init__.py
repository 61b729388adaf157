"""What open data stores."""

from huisuan.opendata.models.catalogue import CatalogueEntry, CatalogueGroup, CatalogueVersion
from huisuan.opendata.models.corpora import Corpus, CorpusBuild, CorpusCopy, CorpusShard, CorpusSource
from huisuan.opendata.models.gate_files import GateArrow, GateDutyHeld, GateFile, GateStep
from huisuan.opendata.models.gate_products import GateProduct, GateRelease, GateRemake, MaskingKey
from huisuan.opendata.models.gate_scans import (
    GateFinding,
    GateGeneralisation,
    GateJudgement,
    GateRules,
    GateScan,
    JudgeAction,
    NameChunk,
    ScanWork,
)
from huisuan.opendata.models.grants import AccessWay, DataAccess, DataGrant, GrantCopy
from huisuan.opendata.models.requests import AnswerOutcome, AnswerTerm, DataRequest, RequestAnswer

__all__ = [
    "AccessWay",
    "AnswerOutcome",
    "AnswerTerm",
    "CatalogueEntry",
    "CatalogueGroup",
    "CatalogueVersion",
    "Corpus",
    "CorpusBuild",
    "CorpusCopy",
    "CorpusShard",
    "CorpusSource",
    "DataAccess",
    "DataGrant",
    "DataRequest",
    "GateArrow",
    "GateDutyHeld",
    "GateFile",
    "GateFinding",
    "GateGeneralisation",
    "GateJudgement",
    "GateProduct",
    "GateRelease",
    "GateRemake",
    "GateRules",
    "GateScan",
    "GateStep",
    "GrantCopy",
    "JudgeAction",
    "MaskingKey",
    "NameChunk",
    "RequestAnswer",
    "ScanWork",
]
