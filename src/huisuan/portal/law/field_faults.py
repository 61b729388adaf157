"""What is wrong with one field of a form over the settings of a policy, without the name that its field has anyway."""

from __future__ import annotations

from django.utils.safestring import SafeString

from huisuan.law.model import InterpretationSpec, SettingSpec
from huisuan.portal.ui.refusals import refusal_html


def setting_error_html(spec: SettingSpec | InterpretationSpec | None, error: Exception) -> SafeString:
    """The message of an error about a setting, from where the law has named it; None: about a figure of the law."""
    text = str(error).removeprefix("：")
    if spec is not None:
        text = text.removeprefix(f"参数 {spec.name}（{spec.zh}）").removeprefix("：")
    return refusal_html(error, text)
