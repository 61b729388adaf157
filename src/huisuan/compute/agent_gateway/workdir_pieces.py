"""Working directories on their way to a centre: in pieces, to the centre that runs their job and no other."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from django.db.models import BinaryField, F
from django.db.models.functions import Substr

from huisuan.compute.models import AT_CENTRE, Centre, Upload
from huisuan.protocol.agent import PIECE_BYTES, Piece, Wanted


def next_pieces(centre: Centre, wanted: Sequence[Wanted]) -> list[Piece]:
    """What follows each offset, `PIECE_BYTES` all together; nothing of an upload that no job here needs."""
    found, room = [], PIECE_BYTES
    for part in wanted:
        upload = (
            Upload.objects.filter(sha256=part.sha256, jobs__centre=centre, jobs__state__in=AT_CENTRE)
            .annotate(piece=Substr(F("content"), part.offset + 1, room, output_field=BinaryField()))
            .values_list("size", "piece")
            .first()
        )
        if upload is None or room <= 0:
            continue
        size, content = upload[0], bytes(upload[1])
        room -= len(content)
        found.append(
            Piece(sha256=part.sha256, offset=part.offset, size=size, content=base64.b64encode(content))
        )  # fmt: skip
    return found
