"""Results folders, and questions to centres about files.

Pieces of files pass through the table of questions by the gigabyte and are gone after a minute: it is not logged, and
its bytes are not compressed. After a crash it is empty, and whoever waited asks again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0023_seal_requests'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='outputs',
            field=models.CharField(blank=True, help_text='folder in the working directory that is kept', max_length=400),
        ),
        migrations.CreateModel(
            name='FileRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('run', models.PositiveSmallIntegerField()),
                ('reader', models.CharField(max_length=64)),
                ('question', models.JSONField(help_text='protocol.agent_files.FileQuestion, without its id')),
                ('length', models.PositiveIntegerField(default=0, help_text='bytes that the answer may bring')),
                ('asked_at', models.DateTimeField()),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('answer', models.JSONField(blank=True, help_text='FileAnswer, without its content', null=True)),
                ('content', models.BinaryField(blank=True, null=True)),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='compute.centre')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='compute.job')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('answered_at__isnull', True)), fields=['centre', 'id'], name='file_request_open'), models.Index(fields=['asked_at'], name='file_request_age')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('answer__isnull', True), ('answered_at__isnull', True)), models.Q(('answer__isnull', False), ('answered_at__isnull', False)), _connector='OR'), name='file_request_answered_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='JobOutputs',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run', models.PositiveSmallIntegerField()),
                ('files', models.BigIntegerField()),
                ('size', models.BigIntegerField(help_text='bytes')),
                ('kept_until', models.DateTimeField()),
                ('over_quota', models.BooleanField(default=False)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('reported_at', models.DateTimeField()),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.centre')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outputs_kept', to='compute.job')),
            ],
            options={
                'ordering': ['job', 'run'],
                'constraints': [models.UniqueConstraint(fields=('job', 'run'), name='job_outputs_once_a_run'), models.CheckConstraint(condition=models.Q(('files__gte', 0), ('size__gte', 0)), name='job_outputs_are_counted')],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE compute_filerequest SET UNLOGGED;"
            "ALTER TABLE compute_filerequest ALTER COLUMN content SET STORAGE EXTERNAL;",
            migrations.RunSQL.noop,
        ),
    ]
