"""What names an applicant, and how a text or a file is kept from naming it where a review is blind.

Masked are the names and codes of the party, of whoever it took the place of, and of their people; a name is found in
whatever width, case and spacing it is written, and without its region and legal form too.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from huisuan.parties.models import Party, Person, Region
from huisuan.programmes.applications.evidence_files import NO_SECRETS, READER_SECONDS
from huisuan.programmes.models import Application, ApplicationSubmission, PayeeAccount
from huisuan.programmes.scoring.names_in_file import CLEAN, name_pattern, plain_text

MASK = "〔已隐去〕"
_FORMS = ("股份有限公司", "有限责任公司", "集团有限公司", "有限公司", "集团", "公司")
_SHORTEST = 3  # characters of a name without form and region: two would be a word of the language


def identity_names(application: Application) -> tuple[str, ...]:
    """Everything that names the applicant of an application, the longest first."""
    parties = _parties(application)
    found: set[str] = set()
    for party in parties:
        found |= {party.name, party.uscc, _core(party.name)}
    about = Q(party__in=parties) | Q(pk=application.begun_by_id) | Q(steps__application=application)
    for person in Person.objects.filter(about, role__in=("user", "city")).distinct():
        found |= {person.name, person.username, person.email}
    if application.city is not None:
        found |= {application.city.name_zh, application.city.name_en}
    for name, number in PayeeAccount.objects.filter(application=application).values_list("name", "account_number"):
        found |= {name, number}
    for made in ApplicationSubmission.objects.filter(application=application):
        found |= {str(file["filename"]) for file in made.evidence}
        found |= {str(file["filename"]).rpartition(".")[0] for file in made.evidence}
    return tuple(sorted((name for name in found if len(name) > 1), key=lambda name: (-len(name), name)))


def mask_names(value: Any, names: Iterable[str]) -> Any:
    """A value as JSON holds it, keys too, without any of the names in its texts."""
    wanted = name_pattern(names)

    def masked(part: Any) -> Any:
        if isinstance(part, str):
            return wanted.sub(MASK, plain_text(part)) if wanted else part
        if isinstance(part, list):
            return [masked(each) for each in part]
        return {masked(key): masked(each) for key, each in part.items()} if isinstance(part, dict) else part

    return masked(value)


def bears_a_name(content: bytes, names: Iterable[str]) -> bool:
    """Whether a file says one of the names; whatever could not be read to its end counts as saying one.

    A child with limits reads it. A picture within a document cannot be seen; a file that is a picture, or a page
    without any text, counts as unread.
    """
    command = [sys.executable, "-P", "-m", "huisuan.programmes.scoring.names_in_file"]
    try:
        done = subprocess.run(
            command, input=json.dumps(list(names)).encode() + b"\n" + content, capture_output=True,
            timeout=READER_SECONDS, check=False, env=NO_SECRETS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0 or done.stdout != CLEAN.encode()


def _parties(application: Application) -> list[Party]:
    """The applicant, and whoever it took the place of."""
    found = [application.party] if application.party is not None else []
    for party in found:
        found += [each.old for each in party.predecessors.select_related("old") if each.old not in found]
    return found


def _core(name: str) -> str:
    """A name without its region in front and its legal form behind; empty where too little is left."""
    core = re.sub(r"[（(][^）)]*[）)]", "", name)
    for form in _FORMS:
        core = core.removesuffix(form)
    regions = {text for region in Region.objects.values_list("name_zh", flat=True) for text in (region, region[:-1])}
    for region in sorted(regions, key=len, reverse=True):
        if len(region) > 1:
            core = core.removeprefix(region)
    return core if len(core) >= _SHORTEST else ""
