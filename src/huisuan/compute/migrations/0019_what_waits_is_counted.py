"""Use that nobody has claimed is kept as a count, days say how far they were counted, open flags have an index."""

from django.db import migrations, models

#: what the tallies have counted so far, counted once as it is counted from now on
COUNT = """
UPDATE compute_usagetally t SET unclaimed_records = found.records, unclaimed_card_seconds = found.seconds
FROM (
    SELECT u.centre_id, count(*) AS records, sum(u.card_seconds)::bigint AS seconds
    FROM compute_usagerecord u JOIN compute_usagetally c ON c.centre_id = u.centre_id AND u.sequence <= c.sequence
    WHERE u.party_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM compute_usagerecord n
        WHERE n.centre_id = u.centre_id AND n.supersedes = u.sequence AND n.sequence <= c.sequence)
    GROUP BY u.centre_id
) AS found WHERE found.centre_id = t.centre_id
"""


class Migration(migrations.Migration):
    dependencies = [("compute", "0018_flags_for_jobs_without_cards")]

    operations = [
        migrations.AddField("usageday", "sequence", models.BigIntegerField(
            default=0, help_text="how far the centre's records were counted when this day last changed; 0: not known")),
        migrations.AddField("usagetally", "unclaimed_card_seconds", models.BigIntegerField(default=0)),
        migrations.AddField("usagetally", "unclaimed_records", models.BigIntegerField(
            default=0, help_text="current records without a party")),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        migrations.AddConstraint("usagetally", models.CheckConstraint(
            condition=models.Q(sequence__gte=0, unclaimed_records__gte=0, unclaimed_card_seconds__gte=0),
            name="usage_tally_counts")),
        migrations.AddIndex("meterflag", models.Index(
            condition=models.Q(("answered_at__isnull", True)), fields=["centre", "flagged_at"], name="flags_open")),
    ]
