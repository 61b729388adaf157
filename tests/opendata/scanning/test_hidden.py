"""What somebody hides from a scan, or puts beside the data to run in it: it is found, said to be unread, or not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from huisuan.opendata.scanning.caged import scan_file
from huisuan.opendata.scanning.scan import scan_bytes
from opendata.scanning.test_kinds import ID


def kinds(content: bytes, name: str = "x") -> set[str]:
    return {str(one.kind) for one in scan_bytes(content, name).findings}


def test_a_module_that_lies_beside_the_data_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("csv", "json", "zipfile"):
        (tmp_path / f"{module}.py").write_text("open('ran', 'w').close()\nraise SystemExit(0)\n", encoding="utf-8")
    data = tmp_path / "a.csv"
    data.write_text(f"证件,数\n{ID},1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert [str(one.kind) for one in scan_file(data).findings] == ["resident_id"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text",
    [
        f'{{"{ID}": {{"amt": 3}}}}', f'{{"{ID}": null}}', f'{{"a": "{ID}", "a": "x"}}', f'{{"{ID}": []}}',
        f'[{{"{ID}": {{}}}}]', f'{{"a": 1}}\n{{"{ID}": null}}\n', f'{{"a": {ID[:17]}{"0" * 5000}, "b": "{ID}"}}',
    ],
)  # fmt: skip
def test_every_key_and_every_value_of_json_is_read(text: str) -> None:
    assert kinds(text.encode()) == {"resident_id"}
