"""Flags have one list of kinds, which code without Django can name."""

from __future__ import annotations

from huisuan.compute.metering.checks.anomaly import FlagKind
from huisuan.compute.models import MeterFlag


def test_the_kinds_of_flags_are_those_that_are_stored() -> None:
    assert [str(kind) for kind in FlagKind] == MeterFlag.Kind.values
