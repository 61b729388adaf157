"""What travels to Ray: the launcher as one file, and, where no folder is shared, a run with its directory."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from huisuan.compute.engines.common.runner import JOB
from huisuan.compute.engines.ray.launcher import TAR

PACKAGE = "huisuan.compute.engines"
_PATH = PACKAGE.replace(".", "/")
SHIPPED = ("common/start_gate.py", "common/runner.py", "ray/launcher.py")
_EMPTY = ("huisuan", "huisuan/compute", _PATH, f"{_PATH}/common", f"{_PATH}/ray")
MAIN = """import pathlib, sys
from huisuan.compute.engines.ray.launcher import main
sys.exit(main(pathlib.Path(sys.argv[1])))
"""
LAUNCHER, RUN = "launcher.pyz", "run"
PACKAGE_BYTES = 100 * 1024 * 1024  # Ray keeps packages in the head's memory
THEN = (1980, 1, 1, 0, 0, 0)  # the same files always make the same bytes


def build_launcher() -> bytes:
    """The launcher as a file that python3 (3.10 or newer) runs, whatever is installed beside it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for folder in _EMPTY:
            file.writestr(zipfile.ZipInfo(f"{folder}/__init__.py", THEN), "")
        for name in SHIPPED:
            source = files(PACKAGE).joinpath(name).read_bytes()
            file.writestr(zipfile.ZipInfo(f"{_PATH}/{name}", THEN), source)
        file.writestr(zipfile.ZipInfo("__main__.py", THEN), MAIN)
    return packed.getvalue()


def build_package(job: Mapping[str, Any], workdir: Path | None) -> tuple[str, bytes]:
    """A run's package and its name, which follows from what is in it.

    Raises:
        ValueError: it is larger than Ray takes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(LAUNCHER, THEN), build_launcher())
        file.writestr(zipfile.ZipInfo(f"{RUN}/{JOB}", THEN), json.dumps(job))
        if workdir is not None:
            file.writestr(zipfile.ZipInfo(f"{RUN}/{TAR}", THEN), _tar(workdir))
    content = packed.getvalue()
    if len(content) > PACKAGE_BYTES:
        _too_large(len(content))
    return f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:32]}.zip", content


def _tar(workdir: Path) -> bytes:
    """A directory with its permissions and links as they are: Ray's own packages would lose them."""
    size = sum(path.lstat().st_size for path in workdir.rglob("*"))
    if size > 4 * PACKAGE_BYTES:
        _too_large(size)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        for path in sorted(workdir.iterdir()):
            file.add(path, path.name)
    return packed.getvalue()


def _too_large(size: int) -> None:
    raise ValueError(
        f"工作目录打包后有 {size // 2**20} MiB，超过 Ray 的 {PACKAGE_BYTES // 2**20} MiB；"
        "请由中心把代理放在共享文件系统上（引擎选项 shared=yes）"
    )
