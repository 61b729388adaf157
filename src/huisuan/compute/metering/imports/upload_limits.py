"""How large an accounting file may be that comes over HTTP: stated to the uploader, enforced before it is stored."""

from __future__ import annotations

import os

#: of the whole request; `HUISUAN_IMPORT_BYTES` sets another
IMPORT_MOST_BYTES = int(os.environ.get("HUISUAN_IMPORT_BYTES", "") or 8 * 1024**3)
