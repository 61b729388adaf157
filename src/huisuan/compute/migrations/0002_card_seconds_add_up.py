"""card_seconds = cards x (ended - started - suspended), kept by the database itself."""

from django.db import migrations

CHECK = (
    "card_seconds = cards::bigint * "
    "(extract(epoch FROM ended_at)::bigint - extract(epoch FROM started_at)::bigint - suspended_seconds)"
)


class Migration(migrations.Migration):
    dependencies = [("compute", "0001_initial")]
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE compute_usagerecord ADD CONSTRAINT usage_card_seconds_add_up CHECK ({CHECK})",
            "ALTER TABLE compute_usagerecord DROP CONSTRAINT usage_card_seconds_add_up",
        )
    ]
