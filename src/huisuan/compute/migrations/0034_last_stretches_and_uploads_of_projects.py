"""When a run that is tried again last began; and which projects' tokens sent a working directory."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0033_agent_health'),
        ('parties', '0008_register_history'),
    ]

    operations = [
        migrations.AddField(
            model_name='jobevent',
            name='began_at',
            field=models.DateTimeField(blank=True, help_text='of a run that failed and is tried again: when it last began', null=True),
        ),
        migrations.AddField(
            model_name='upload',
            name='projects',
            field=models.ManyToManyField(blank=True, related_name='+', to='parties.project'),
        ),
    ]
