"""What numbers the items of a list in a text: （一）, (2), 3., 4、 where a sentence or an item begins."""

from __future__ import annotations

import re

#: "1.5倍" and "2、3类" are figures, not marks
LIST_MARK = re.compile(
    r"(?:^|(?<=[：:；;，,、。\n]))\s*"
    r"(?:[（(](?:[一二三四五六七八九十]{1,3}|\d{1,2})[）)]|\d{1,2}(?:[.．、](?!\d)|[）)]))"
)
