"""The official text of a policy, sentence by sentence, as the law is quoted.

It is read from `text.md`, or made from plain text. Above the model only. Other rooms import its types
from here to show sentences beside what is computed of them.
"""

from huisuan.law.text.policy_text import ArticleText, Departments, Sentence

__all__ = ["ArticleText", "Departments", "Sentence"]
