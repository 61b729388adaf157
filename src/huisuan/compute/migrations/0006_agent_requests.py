from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0005_federation'),
    ]

    operations = [
        migrations.AddField(
            model_name='agentkey',
            name='last_request',
            field=models.BigIntegerField(default=0, help_text='number of its last request: one before is a replay'),
        ),
    ]
