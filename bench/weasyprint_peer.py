"""The peer of bench/documents.py: the same annex as HTML, set by WeasyPrint, in an environment of its own.

Reads the rows as JSON from stdin, prints seconds by the clock, seconds of processor time, and the number of bytes.
Importing WeasyPrint is not measured.
"""

from __future__ import annotations

import html
import json
import sys
import time

import weasyprint

STYLE = "@page{size:A4;margin:37mm 26mm 35mm 28mm}table{border-collapse:collapse;width:100%}td,th{border:0.5pt solid}"


def main() -> None:
    """Set what stdin holds."""
    rows = json.load(sys.stdin)
    start, processor = time.perf_counter(), time.process_time()
    cells = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    page = f"<style>{STYLE}</style><table><thead><tr><th>单位</th><th>金额</th></tr></thead>{cells}</table>"
    made = weasyprint.HTML(string=page).write_pdf()
    spent = time.perf_counter() - start, time.process_time() - processor
    print(json.dumps({"clock": spent[0], "processor": spent[1], "bytes": len(made), "version": weasyprint.__version__}))


if __name__ == "__main__":
    main()
