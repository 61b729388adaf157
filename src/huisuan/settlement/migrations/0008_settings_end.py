"""Settings may end: the last day of a proposal's values."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """A column, and that it does not come before the first day."""

    dependencies = [("settlement", "0007_background_work")]

    operations = [
        migrations.AddField(
            model_name="settingsproposal",
            name="valid_to",
            field=models.DateField(help_text="the last one; empty: until something later prevails", null=True),
        ),
        migrations.AddConstraint(
            model_name="settingsproposal",
            constraint=models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="settings_proposal_ends_after_it_begins",
            ),
        ),
    ]
