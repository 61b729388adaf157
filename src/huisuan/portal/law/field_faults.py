"""What is wrong with one field of a form over the settings of a policy, without the name that its field has anyway."""

from __future__ import annotations

from huisuan.law.model import InterpretationSpec, SettingSpec


def of_field(spec: SettingSpec | InterpretationSpec, error: Exception) -> str:
    """The message of an error about this setting, from where the law has named it; what is left is translatable."""
    text = str(error).removeprefix("：")
    return text.removeprefix(f"参数 {spec.name}（{spec.zh}）").removeprefix("：")
