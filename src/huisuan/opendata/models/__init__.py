"""What open data stores."""

from huisuan.opendata.models.catalogue import CatalogueEntry, CatalogueVersion
from huisuan.opendata.models.requests import AnswerOutcome, AnswerTerm, DataRequest, RequestAnswer

__all__ = [
    "AnswerOutcome",
    "AnswerTerm",
    "CatalogueEntry",
    "CatalogueVersion",
    "DataRequest",
    "RequestAnswer",
]
