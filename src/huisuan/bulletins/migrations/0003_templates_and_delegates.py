"""Migration: templates of bulletins, who appeals for a department of the province."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bulletins', '0002_figures_and_appeals'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BulletinTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('office', models.CharField(help_text='as it signs', max_length=120)),
                ('kind', models.CharField(choices=[('openness', 'Openness'), ('scenarios', 'Scenarios'), ('use', 'Use'), ('money', 'Money')], max_length=12)),
                ('number', models.PositiveIntegerField(help_text='from 1')),
                ('filename', models.CharField(max_length=120)),
                ('sha256', models.CharField(max_length=64)),
                ('fields', models.JSONField(help_text='the merge fields in it')),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['office', 'kind', '-number'],
            },
        ),
        migrations.AddField(
            model_name='bulletin',
            name='template',
            field=models.ForeignKey(help_text='of its DOCX; null: ours', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bulletins.bulletintemplate'),
        ),
        migrations.CreateModel(
            name='DepartmentDelegate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('department', models.CharField(help_text='as bulletins name it', max_length=120)),
                ('speaks', models.BooleanField()),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddConstraint(
            model_name='bulletintemplate',
            constraint=models.UniqueConstraint(fields=('office', 'kind', 'number'), name='bulletin_template_once'),
        ),
        migrations.AddConstraint(
            model_name='bulletintemplate',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['openness', 'scenarios', 'use', 'money']), ('office__regex', '\\S'), ('sha256__regex', '^[0-9a-f]{64}$')), name='bulletin_template_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bulletintemplate',
            trigger=pgtrigger.compiler.Trigger(name='bulletin_templates_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='6b992d79c4ec20d714702e22545909d4c0f34f02', operation='UPDATE OR DELETE', pgid='pgtrigger_bulletin_templates_stay_45a42', table='bulletins_bulletintemplate', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='departmentdelegate',
            constraint=models.CheckConstraint(condition=models.Q(('department__regex', '\\S')), name='delegate_has_a_department'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='departmentdelegate',
            trigger=pgtrigger.compiler.Trigger(name='department_delegates_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='08007635df0c264682e8d6ba063d68bf9c4a7203', operation='UPDATE OR DELETE', pgid='pgtrigger_department_delegates_stay_271cc', table='bulletins_departmentdelegate', when='BEFORE')),
        ),
    ]
