"""What programmes store."""

from huisuan.programmes.models.calendar import AdoptedDay, CalendarDocument
from huisuan.programmes.models.drafts import Draft, Evidence
from huisuan.programmes.models.experts import Expert, ExpertEntry, ExpertTie, TieKind

__all__ = ["AdoptedDay", "CalendarDocument", "Draft", "Evidence", "Expert", "ExpertEntry", "ExpertTie", "TieKind"]
