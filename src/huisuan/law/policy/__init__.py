"""A policy as a whole: loaded from its folder and checked, with its settings, scenarios, stacking and coverage.

`Policy` is data, `load` makes it. Other rooms load policies, list and propose settings, and suppose scenarios through
what is named here; how a folder is read is this room's own affair.
"""

from huisuan.law.policy.amended_figures import AmendedFigure, FigureKind, LegalFigure, legal_figures, parse_amendment
from huisuan.law.policy.by_day import dated_facts, find_part_starts, part_name, part_starts
from huisuan.law.policy.coverage import SentenceCoverage, list_coverage
from huisuan.law.policy.load import list_policies, load_folder, load_installed, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import (
    Scenario,
    apply_scenario,
    scenario_from_tables,
    setting_declarations,
    with_adopted,
)
from huisuan.law.policy.setting_bounds import REPEAL_KEY, SettingValue
from huisuan.law.policy.settings import HEADER_KEYS, AdoptedSetting, Settings, parse_last_day, suggested_names
from huisuan.law.policy.settings_history import SettingHistory, list_settings, names_deciding, setting_names
from huisuan.law.policy.sources import adopted_folder, list_setting_files
from huisuan.law.policy.stacking import (
    PolicyRule,
    StackedRules,
    StackingMode,
    adopted_mode,
    ground_of,
    rules_by_ground,
)
from huisuan.law.policy.toml_documents import SettingsDocument, toml_string

__all__ = [
    "HEADER_KEYS",
    "REPEAL_KEY",
    "AdoptedSetting",
    "AmendedFigure",
    "FigureKind",
    "LegalFigure",
    "Policy",
    "PolicyRule",
    "Scenario",
    "SentenceCoverage",
    "SettingHistory",
    "SettingValue",
    "Settings",
    "SettingsDocument",
    "StackedRules",
    "StackingMode",
    "adopted_folder",
    "adopted_mode",
    "apply_scenario",
    "dated_facts",
    "find_part_starts",
    "ground_of",
    "legal_figures",
    "list_coverage",
    "list_policies",
    "list_setting_files",
    "list_settings",
    "load_folder",
    "load_installed",
    "load_policy",
    "names_deciding",
    "parse_amendment",
    "parse_last_day",
    "part_name",
    "part_starts",
    "rules_by_ground",
    "scenario_from_tables",
    "setting_declarations",
    "setting_names",
    "suggested_names",
    "toml_string",
    "with_adopted",
]
