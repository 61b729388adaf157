"""The arrow by which a suspended file is read and judged again."""

from django.db import migrations


def write_arrow(apps, schema_editor):
    arrow = apps.get_model("opendata", "GateArrow")
    arrow.objects.get_or_create(action="reopen", from_state="suspended", to_state="reading", duty="judge")


class Migration(migrations.Migration):

    dependencies = [
        ('opendata', '0009_searched_by_a_tsvector'),
    ]

    operations = [
        migrations.RunPython(write_arrow, migrations.RunPython.noop),
    ]
