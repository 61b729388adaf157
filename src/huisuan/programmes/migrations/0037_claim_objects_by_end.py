"""Claim objects found by the end of their code."""

import django.db.models.functions.comparison
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("programmes", "0036_seeds_committed_site_checks_confirmed")]

    operations = [
        migrations.AddIndex(
            model_name="claimobject",
            index=models.Index(
                models.F("kind"),
                models.F("series"),
                django.db.models.functions.comparison.Collate(django.db.models.functions.text.Reverse("code"), "C"),
                name="claim_object_by_end",
            ),
        ),
    ]
