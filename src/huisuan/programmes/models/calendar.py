"""The calendar's tables belong to this app, where they were made; its models moved down to the room `calendar`."""

from huisuan.calendar.models import AdoptedDay, CalendarDocument

__all__ = ["AdoptedDay", "CalendarDocument"]
