
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0019_what_waits_is_counted'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='session_kind',
            field=models.CharField(blank=True, default='', help_text='of an interactive session', max_length=10),
        ),
        migrations.CreateModel(
            name='InteractiveSession',
            fields=[
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='session', serialize=False, to='compute.job')),
                ('kind', models.CharField(choices=[('jupyter', 'JupyterLab'), ('vscode', 'VS Code'), ('shell', '终端')], max_length=10)),
                ('seconds', models.PositiveIntegerField(help_text='how long it lasts at most, from its start')),
                ('idle_seconds', models.PositiveIntegerField(help_text='unused for so long it ends')),
                ('ready_at', models.DateTimeField(blank=True, help_text='when its program first answered', null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='SessionAdmission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.PositiveIntegerField()),
                ('ticket_sha256', models.CharField(max_length=64, unique=True)),
                ('issued_at', models.DateTimeField()),
                ('ticket_expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('cookie_sha256', models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='admissions', to='compute.interactivesession')),
            ],
        ),
        migrations.AddConstraint(
            model_name='interactivesession',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['jupyter', 'vscode', 'shell'])), name='session_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='interactivesession',
            constraint=models.CheckConstraint(condition=models.Q(('idle_seconds__gte', 1), ('seconds__gte', 1)), name='session_lasts'),
        ),
        migrations.AddConstraint(
            model_name='sessionadmission',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cookie_sha256__isnull', True), ('used_at__isnull', True)), models.Q(('cookie_sha256__isnull', False), ('used_at__isnull', False), ('used_at__lte', models.F('ticket_expires_at'))), _connector='OR'), name='admission_has_a_cookie_once_used'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionadmission',
            trigger=pgtrigger.compiler.Trigger(name='admissions_are_used_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."used_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='ccd0aa8f9e834b6eecdafb945a9e256131045a6b', operation='UPDATE', pgid='pgtrigger_admissions_are_used_once_36439', table='compute_sessionadmission', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionadmission',
            trigger=pgtrigger.compiler.Trigger(name='admissions_stay', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."epoch" IS DISTINCT FROM (NEW."epoch") OR OLD."issued_at" IS DISTINCT FROM (NEW."issued_at") OR OLD."person_id" IS DISTINCT FROM (NEW."person_id") OR OLD."session_id" IS DISTINCT FROM (NEW."session_id") OR OLD."ticket_expires_at" IS DISTINCT FROM (NEW."ticket_expires_at") OR OLD."ticket_sha256" IS DISTINCT FROM (NEW."ticket_sha256"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='a7db7d6e3953c1b1c426ab225f1a805d68dd8d01', operation='UPDATE', pgid='pgtrigger_admissions_stay_a6ce3', table='compute_sessionadmission', when='BEFORE')),
        ),
    ]
