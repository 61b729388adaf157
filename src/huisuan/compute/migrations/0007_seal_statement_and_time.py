import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0006_agent_requests'),
    ]

    operations = [
        migrations.AddField(
            model_name='seal',
            name='statement',
            field=models.TextField(default='', help_text='all of this and what each agent sent, in canonical JSON, as it was signed'),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name='usagerecord',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['started_at', 'ended_at'], name='usage_by_time', pages_per_range=32),
        ),
    ]
