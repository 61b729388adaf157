"""Where each city stands on the tile map: one square a city, placed by hand after the cities' places to one another.

No survey map: a published map of the province would need a review number (审图号).
"""

from __future__ import annotations

#: region code -> (row, column), from the north-west
TILES = {
    "341600": (1, 2), "340600": (1, 3), "341300": (1, 4),
    "341200": (2, 1), "340400": (2, 2), "340300": (2, 3), "341100": (2, 4),
    "341500": (3, 2), "340100": (3, 3), "340500": (3, 4),
    "340800": (4, 2), "340700": (4, 3), "340200": (4, 4),
    "341700": (5, 3), "341800": (5, 4),
    "341000": (6, 4),
}  # fmt: skip
