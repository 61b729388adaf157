"""What Anhui's policy computes, as a careful engineer writes it by hand in DuckDB SQL, figures worked in.

Each query answers the table `facts` with the three columns that the rule gives, reason codes included, under the
settings as shipped and with 4.1 at 1%, 2%, ... for the cities in order (RATES). None checks ranges or types.
Fractions are put over one denominator, so that there is one division. A fact that is not there is asked for only where
some value of it changes the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import by_hand

CITIES = (
    "340100", "340200", "340300", "340400", "340500", "340600", "340700", "340800", "341000", "341100", "341200",
    "341300", "341500", "341600", "341700", "341800",
)  # fmt: skip
RATES = {code: Fraction(at, 100) for at, code in enumerate(CITIES, 1)}
# no IN: DuckDB makes a longer one a join, and a join loses the order of the rows
_NORTH = "MAP {'340300': true, '340400': true, '340600': true, '341200': true, '341300': true, '341600': true}[city]"
_PER_CENT = "MAP {" + ", ".join(f"'{code}': {share * 100}" for code, share in RATES.items()) + "}[city]"


def _said(codes: Iterable[tuple[str, str]]) -> str:
    """The codes whose condition holds."""
    cases = (f"CASE WHEN {holds} THEN '{code}' END" for holds, code in codes)
    return f"concat_ws(';', {', '.join(cases)})"


def _missing(*facts: str, **open_where: str) -> str:
    """Which of these facts are not there; those with SQL beside them where any value of theirs gives the same: not."""
    pairs = [(name, "") for name in facts] + list(open_where.items())
    return _said(
        (f"{name} IS NULL AND ({same}) IS NOT TRUE" if same else f"{name} IS NULL", f"missing:{name}")
        for name, same in pairs
    )


# whether what the north gets more comes to the same fen, so that the city need not be known
_SAME_CENTRES = "city_paid * 5 // 15 = city_paid * 6 // 15"
_SAME_VENDORS = f"sales * {max(RATES.values()) * 100} < 100"
_SAME_SCENARIOS = (
    "investment > 500000000 OR "
    "investment * 5 // 25 = CASE WHEN investment * 6 > 2500000000 THEN 100000000 ELSE investment * 6 // 25 END"
)
_SAME_ATTRACTION = (
    "city_paid > 3333333333 OR "
    "city_paid * 15 // 50 = CASE WHEN city_paid * 18 > 50000000000 THEN 1000000000 ELSE city_paid * 18 // 50 END"
)


CENTRES = f"""
SELECT CASE WHEN fails THEN 'not_eligible' WHEN amount IS NULL THEN 'missing_facts' ELSE 'eligible' END AS status,
       CASE WHEN fails THEN 0 ELSE amount END AS amount_fen,
       CASE WHEN fails THEN {
    _said(
        (
            ("added_p < 400", "failed:added_p@1.2"),
            ("finished_on NOT BETWEEN DATE '2023-10-12' AND DATE '2024-12-31'", "failed:finished_on@1.2"),
            ("NOT city_qualifies", "failed:city_qualifies@1.2"),
        )
    )
}
            WHEN amount IS NULL THEN {
    _missing("added_p", "finished_on", "city_qualifies", "city_paid", city=_SAME_CENTRES)
}
            WHEN amount = 0 THEN 'zero@1.2' ELSE '' END AS reasons
FROM (SELECT *, added_p < 400 OR finished_on NOT BETWEEN DATE '2023-10-12' AND DATE '2024-12-31'
                    OR NOT city_qualifies AS fails,
             CASE WHEN added_p >= 400 AND finished_on BETWEEN DATE '2023-10-12' AND DATE '2024-12-31' AND city_qualifies
                       AND (city IS NOT NULL OR {_SAME_CENTRES})
                  THEN city_paid * CASE WHEN {_NORTH} THEN 6 ELSE 5 END // 15 END AS amount
      FROM facts)
"""

VENDORS = f"""
SELECT CASE WHEN fails THEN 'not_eligible' WHEN amount IS NULL THEN 'missing_facts' ELSE 'eligible' END AS status,
       CASE WHEN fails THEN 0 ELSE amount END AS amount_fen,
       CASE WHEN fails THEN {
    _said((("NOT in_anhui", "failed:in_anhui@4.1"), ("service = 'other'", "failed:service@4.1")))
}
            WHEN amount IS NULL THEN {_missing("in_anhui", "service", "sales", city=_SAME_VENDORS)}
            WHEN amount = 0 THEN 'zero@4.1' ELSE '' END AS reasons
FROM (SELECT *, NOT in_anhui OR service = 'other' AS fails,
             CASE WHEN in_anhui AND service IS NOT NULL
                  THEN CASE WHEN city IS NOT NULL THEN sales * {_PER_CENT} // 100 WHEN {_SAME_VENDORS} THEN 0 END
                  END AS amount
      FROM facts)
"""

RESEARCH = f"""
SELECT CASE WHEN fails THEN 'not_eligible' WHEN fifths IS NULL THEN 'missing_facts' ELSE 'eligible' END AS status,
       CASE WHEN fails THEN 0 WHEN fifths > 25000000000 THEN 5000000000 ELSE fifths // 5 END AS amount_fen,
       CASE WHEN fails THEN {
    _said(
        (
            ("NOT in_plan", "failed:in_plan@5.1"),
            ("way = 'other'", "failed:way@5.1"),
            ("topic = 'other'", "failed:topic@5.1"),
        )
    )
}
            WHEN fifths IS NULL THEN {
    _missing(
        "in_plan",
        "way",
        "topic",
        "cost",
        subsidised_compute="cost < 5 OR cost - unspent < 5",
        unspent="cost < 5 OR cost - subsidised_compute < 5",
    )
}
            WHEN fifths > 25000000000 THEN 'capped@5.1' WHEN fifths < 5 THEN 'zero@5.1' ELSE '' END AS reasons
FROM (SELECT *, NOT in_plan OR way = 'other' OR topic = 'other' AS fails,
             CASE WHEN in_plan AND way IS NOT NULL AND topic IS NOT NULL
                  THEN CASE WHEN cost - unspent > subsidised_compute THEN cost - unspent - subsidised_compute
                            WHEN cost - unspent <= subsidised_compute OR cost - unspent < 5
                                 OR cost - subsidised_compute < 5 OR cost < 5 THEN 0 END END AS fifths
      FROM facts)
"""

SCENARIOS = f"""
SELECT CASE WHEN NOT among_ten THEN 'not_eligible' WHEN raised IS NULL THEN 'missing_facts' ELSE 'eligible' END
           AS status,
       CASE WHEN NOT among_ten THEN 0 WHEN raised > 2500000000 THEN 100000000 ELSE raised // 25 END AS amount_fen,
       CASE WHEN NOT among_ten THEN 'failed:among_ten@6.2'
            WHEN raised IS NULL THEN {_missing("among_ten", "investment", city=_SAME_SCENARIOS)}
            WHEN raised > 2500000000 THEN 'capped@6.2' WHEN raised < 25 THEN 'zero@6.2' ELSE '' END AS reasons
FROM (SELECT *, CASE WHEN among_ten AND (city IS NOT NULL OR {_SAME_SCENARIOS})
                     THEN investment * CASE WHEN {_NORTH} THEN 6 ELSE 5 END END AS raised
      FROM facts)
"""

ATTRACTION = f"""
SELECT CASE WHEN NOT key_technology THEN 'not_eligible' WHEN raised IS NULL THEN 'missing_facts' ELSE 'eligible' END
           AS status,
       CASE WHEN NOT key_technology THEN 0 WHEN raised > 50000000000 THEN 1000000000 ELSE raised // 50 END
           AS amount_fen,
       CASE WHEN NOT key_technology THEN 'failed:key_technology@8.2'
            WHEN raised IS NULL THEN {_missing("key_technology", "city_paid", city=_SAME_ATTRACTION)}
            WHEN raised > 50000000000 THEN 'capped@8.2' WHEN raised < 50 THEN 'zero@8.2' ELSE '' END AS reasons
FROM (SELECT *, CASE WHEN key_technology AND (city IS NOT NULL OR {_SAME_ATTRACTION})
                     THEN city_paid * CASE WHEN {_NORTH} THEN 18 ELSE 15 END END AS raised
      FROM facts)
"""

STANDARDS = f"""
SELECT CASE WHEN NOT agi_enterprise THEN 'not_eligible' WHEN award IS NULL THEN 'missing_facts' ELSE 'eligible' END
           AS status,
       CASE WHEN NOT agi_enterprise THEN 0 ELSE award END AS amount_fen,
       CASE WHEN NOT agi_enterprise THEN 'failed:agi_enterprise@14.1'
            WHEN award IS NULL THEN {_missing("agi_enterprise", "international", "national")}
            WHEN award = 0 THEN 'zero@14.1' ELSE '' END AS reasons
FROM (SELECT *, CASE WHEN agi_enterprise THEN international * 100000000 + national * 50000000 END AS award
      FROM facts)
"""


def _case_by_case(key: str) -> str:
    """What is decided 一事一议: never a number."""
    return f"""
SELECT CASE WHEN exceptional THEN 'discretionary' WHEN NOT exceptional THEN 'not_eligible' ELSE 'missing_facts' END
           AS status,
       CAST(CASE WHEN NOT exceptional THEN 0 END AS BIGINT) AS amount_fen,
       CASE WHEN exceptional THEN 'discretion@{key}' WHEN NOT exceptional THEN 'failed:exceptional@{key}'
            ELSE 'missing:exceptional' END AS reasons
FROM facts
"""


RULES = {
    "1.2": CENTRES, "1.3": _case_by_case("1.3"), "2.2": by_hand.SQL, "4.1": VENDORS, "5.1": RESEARCH,
    "5.2": _case_by_case("5.2"), "6.2": SCENARIOS, "8.2": ATTRACTION, "14.1": STANDARDS,
}  # fmt: skip
