from datetime import date

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("settlement", "0001_initial")]

    operations = [
        migrations.AddField(
            "settlementrun", "starts",
            models.DateField(default=date(2000, 1, 1), help_text="first day of the use that counts: the year, as far as the policy holds"),
            preserve_default=False,
        ),
        migrations.AddField(
            "settlementrun", "ends",
            models.DateField(default=date(2000, 1, 1), help_text="last day of it"),
            preserve_default=False,
        ),
        migrations.AddField(
            "settlementrun", "inputs_sha256",
            models.CharField(default="", max_length=64, help_text="of parties, tariffs and relations as they were read"),
            preserve_default=False,
        ),
        migrations.AddField(
            "settlementrun", "result_sha256",
            models.CharField(default="", max_length=64, help_text="of all bill lines and answers"),
            preserve_default=False,
        ),
    ]
