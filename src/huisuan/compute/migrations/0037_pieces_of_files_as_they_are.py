"""Pieces of files lie in the database for seconds: compressing them cost more than it saved."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("compute", "0036_mappings_by_file_on_record")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE compute_filerequest ALTER COLUMN content SET STORAGE EXTERNAL",
            "ALTER TABLE compute_filerequest ALTER COLUMN content SET STORAGE EXTENDED",
        )
    ]
