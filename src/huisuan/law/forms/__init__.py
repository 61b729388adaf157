"""What follows from a rule's facts without being written again: schema, templates, reading what was filled in.

Above the policy. Pages, the API and the commands import what is named here.
"""

from huisuan.law.forms.cell_values import InvalidCell, format_cell, option_labels, parse_cell
from huisuan.law.forms.json_schema import facts_schema
from huisuan.law.forms.templates import csv_template, xlsx_template

__all__ = ["InvalidCell", "csv_template", "facts_schema", "format_cell", "option_labels", "parse_cell", "xlsx_template"]
