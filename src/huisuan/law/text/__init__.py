"""The official text of a policy, sentence by sentence, as the law is quoted.

It is read from `text.md`, changed by `changes/`, or made from plain text. Above the model only. Other rooms import its
types from here to show sentences beside what is computed of them.
"""

from huisuan.law.text.policy_text import ArticleText, Departments, Sentence
from huisuan.law.text.text_changes import CHANGES_ZH, ChangeKind, TextChange

__all__ = ["CHANGES_ZH", "ArticleText", "ChangeKind", "Departments", "Sentence", "TextChange"]
