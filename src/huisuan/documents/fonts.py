"""Which faces a document is set in: those of the standard where an office owns them, else the free ones shipped.

GB/T 9704-2012 asks for 仿宋, 小标宋, 黑体 and 楷体. None of them is free with the coverage that names of people need,
so offices put their own into a folder (`HUISUAN_FONTS`); without, text is set in Noto Serif SC and headings in Noto
Sans SC. Fonts of the machine are never used: the same record must give the same bytes elsewhere.
"""

from __future__ import annotations

import io
import os
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from huisuan.base.errors import Unavailable

if TYPE_CHECKING:
    from typst import Fonts

_SERIF, _SANS = "Noto Serif SC", "Noto Sans SC"
#: what each part of a page is set in, the best first
_WANTED = {
    "body": ("FangSong_GB2312", "FangSong", "仿宋_GB2312", "仿宋", "STFangsong", _SERIF),
    "title": ("FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05", "方正小标宋简体", "方正小标宋_GBK", _SERIF),
    "heading": ("SimHei", "黑体", "FZHei-B01S", _SANS),
    "subheading": ("KaiTi_GB2312", "KaiTi", "楷体_GB2312", "楷体", "STKaiti", _SERIF),
}


def load_fonts() -> Fonts:
    """The faces at hand: what an office owns, and what is shipped.

    Raises:
        Unavailable: `HUISUAN_FONTS` names no folder, or the shipped fonts are not installed.
    """
    own = os.environ.get("HUISUAN_FONTS", "")
    if own and not Path(own).is_dir():
        raise Unavailable(f"HUISUAN_FONTS 指的文件夹 {own} 不存在", code="document.no_font_folder")
    try:
        shipped = files("pylopdf_fonts_zh_cn")
    except ModuleNotFoundError:
        raise Unavailable("没有装字体 pylopdf-fonts-zh-cn：不能排版公文", code="document.no_fonts") from None
    return _read_fonts(tuple(filter(None, (own, str(shipped)))))


@lru_cache(maxsize=4)
def _read_fonts(folders: tuple[str, ...]) -> Fonts:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders))


def choose_faces(fonts: Fonts) -> dict[str, list[str]]:
    """For each part of a page the families to set it in: the best that is there, then the one shipped."""
    families = fonts.families()
    return {
        part: list(dict.fromkeys([next(name for name in wanted if name in families), wanted[-1]]))
        for part, wanted in _WANTED.items()
    }


def embedded_families(pdf: bytes) -> list[str]:
    """The faces that a PDF's pages carry, by their names without the subset's mark; read from the file itself."""
    import pikepdf

    found = set()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for item in opened.objects:
            if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor":
                found.add(str(item["/FontName"]).lstrip("/").split("+")[-1])
    return sorted(found)
