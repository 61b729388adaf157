from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("settlement", "0004_known_from_the_next_day"),
    ]

    operations = [
        migrations.AddField(
            model_name="settlementrun",
            name="seals",
            field=models.JSONField(
                default=list, help_text="the sealed months that it rests on: centre, month, Merkle root"
            ),
        ),
    ]
