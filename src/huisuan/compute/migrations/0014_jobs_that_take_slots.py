"""Whether a job asks for an accelerator at all. Jobs handed in before keep what they were told: a slot will do."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compute", "0013_when_batches_were_sent")]

    operations = [
        migrations.AddField("job", "takes_slots", models.BooleanField(default=True)),
        migrations.AlterField(
            "job",
            "takes_slots",
            models.BooleanField(
                default=False, help_text="no accelerator was asked for: a processor slot of a trial machine will do"
            ),
        ),
    ]
