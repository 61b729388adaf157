"""Tokens made before they had an owner, a scope and an end get them by one rule (decision 021).

Owner: the person whose sign-in made the token ("name（…）", same role and place); the local operator's account for
those of `huisuan up`; else an account of its own for each role and place, which never signs in. Scope: `manage`, what
the token could do so far. End: 90 days from the migration, and never more than 366 days after the token was made.
"""

from datetime import timedelta

from django.db import migrations
from django.utils import timezone

DAYS, MOST_DAYS = 90, 366
UP_LABEL, UP = "本机操作员（huisuan up）", "huisuan-up"


def give_owners(apps, schema_editor):
    Person, Token = apps.get_model("parties", "Person"), apps.get_model("parties", "Token")
    now = timezone.now()
    for token in Token.objects.select_related("party"):
        token.person = _signed_in(Person, token) or _account(apps, token, now)
        token.scope = "manage"
        token.expires_at = min(now + timedelta(days=DAYS), token.created_at + timedelta(days=MOST_DAYS))
        token.label = token.label or "?"
        token.save(update_fields=["person", "scope", "expires_at", "label"])


def _signed_in(Person, token):
    name, bracket, _ = token.label.partition("（")
    place = {"role": token.role, "party": token.party, "city": token.city}
    return Person.objects.filter(username=name, **place).first() if bracket else None


def _account(apps, token, now):
    Person, PersonEvent = apps.get_model("parties", "Person"), apps.get_model("parties", "PersonEvent")
    place = token.party.uscc if token.party else token.city_id
    name = UP if token.label == UP_LABEL else "-".join(filter(None, ("token", token.role, place)))
    same = {"role": token.role, "party": token.party, "city": token.city, "machine": True}
    while (taken := Person.objects.filter(username=name).first()) is not None:
        if all(getattr(taken, key) == value for key, value in same.items()):
            return taken
        name += "-"
    shown = UP_LABEL if name == UP else "此前的令牌"
    person = Person.objects.create(username=name, name=shown, password="!", password_changed_at=now, **same)
    PersonEvent.objects.create(at=now, actor="huisuan migrate", person=person, what="added", detail="旧令牌的所有者")
    return person


class Migration(migrations.Migration):
    dependencies = [("parties", "0004_people_and_their_tokens")]
    operations = [migrations.RunPython(give_owners, migrations.RunPython.noop)]
