"""Publicity (公示): when a notice ends, and what it keeps from being decided meanwhile.

`period` is pure; `ends` reads the calendar for it; `lines` writes the lines of a notice with the act that publishes
them; `conditions` keeps acts from being taken. The workflow names them in its tables. What persons do with notices
(publish, object, answer) stands above the workflow, in `notices`.
"""
