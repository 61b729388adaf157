"""What programmes store."""

from huisuan.programmes.models.calendar import AdoptedDay, CalendarDocument
from huisuan.programmes.models.drafts import Draft, Evidence

__all__ = ["AdoptedDay", "CalendarDocument", "Draft", "Evidence"]
