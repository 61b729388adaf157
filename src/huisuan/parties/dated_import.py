"""What an import changes of what has days: each change with the day from which it holds, never over what was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from huisuan.base.csv_lines import LineRefused
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.parties.models import Party, StateChange
from huisuan.parties.party_state import DatedValue, PartyState, state_on_day
from huisuan.parties.state_history import load_state_changes, present_state

ALWAYS = date(1900, 1, 1)  # from when a correction of the day of registration holds
FAR = date(2199, 12, 31)


@dataclass(frozen=True)
class StatedDays:
    """From when to when a line of a file holds; None: it does not say."""

    valid_from: date | None = None
    valid_to: date | None = None


@dataclass
class DatedImport:
    """Changes of known parties, collected line by line and stored together."""

    source: str
    by: str
    now: datetime
    changes: dict[str, list[DatedValue]] = field(default_factory=dict)
    base: dict[str, PartyState] = field(default_factory=dict)
    made: list[StateChange] = field(default_factory=list)

    def start(self, parties: Iterable[Party]) -> None:
        """Read what is known of these parties."""
        known = {party.uscc: party for party in parties}
        self.base = {uscc: present_state(party) for uscc, party in known.items()}
        self.changes = {uscc: list(found) for uscc, found in load_state_changes(known).items()}

    @property
    def today(self) -> date:
        """The day since which what is entered now is known."""
        return self.now.astimezone(SHANGHAI).date()

    def enter(self, party: Party, said: PartyState, days: StatedDays, fields: Iterable[str]) -> bool:
        """Enter what a line says of some fields of a party; whether it says anything new.

        Without a day of its own a new region holds from the day of registration that comes with it, else from today.

        Raises:
            LineRefused: the register has said something else for that day today already.
        """
        stands = self._state(party.uscc, FAR)
        moves = said.region != stands.region
        registered = said.registered_on if said.registered_on != stands.registered_on else None
        new: list[tuple[str, str, date]] = []
        for what in fields:
            day = days.valid_from or (registered if what == "region" and registered else None)
            if what == "registered_on":
                day = (days.valid_from or registered if moves else None) or ALWAYS
            before = self._state(party.uscc, day if day else FAR)
            value = _words(said)[what]
            if value and value != _words(before)[what]:
                new.append((what, value, day or self.today))
        for what, value, day in new:
            self._add(party, what, value, day, days.valid_to)
        return bool(new)

    def present(self, uscc: str) -> PartyState:
        """What stands of a party after all that was entered."""
        return self._state(uscc, FAR)

    def store(self) -> None:
        """Write what was entered."""
        StateChange.objects.bulk_create(self.made, batch_size=2000)

    def _state(self, uscc: str, day: date) -> PartyState:
        return state_on_day(self.base[uscc], self.changes.get(uscc, ()), day, self.today)

    def _add(self, party: Party, what: str, value: str, day: date, until: date | None) -> None:
        own = self.changes.setdefault(party.uscc, [])
        twice = [each for each in own if (each.what, each.valid_from, each.known_from) == (what, day, self.today)]
        if twice:
            rule = f"与今天已登记的不同：{party.uscc} 自 {day} 起已登记为 {twice[0].value}"
            remedy = "同一天不能变更两次；请核对是哪一个，确是登记错了，明天再更正"
            raise LineRefused(what, value, rule, remedy)
        before = _words(self._state(party.uscc, day))[what]
        number = max((each.number for each in own), default=0) + 1
        own.append(DatedValue(what, value, before, day, until, self.today, number))
        self.made.append(
            StateChange(
                party=party,
                what=what,
                value=value,
                before=before,
                valid_from=day,
                valid_to=until,
                known_from=self.today,
                source=shortened(self.source, 200),
                by=self.by[:120],
                at=self.now,
            )
        )


def _words(state: PartyState) -> Mapping[str, str]:
    registered = state.registered_on.isoformat() if state.registered_on else ""
    return {"region": state.region or "", "kind": state.kind, "status": state.status, "registered_on": registered}
