"""Migration: words committed to for the draws of a call, checks on site confirmed by the other of the two."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('programmes', '0035_consents_again_accounts_of_cities'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='draw',
            name='reason',
            field=models.CharField(blank=True, help_text='why more were drawn for a panel that there was', max_length=500),
        ),
        migrations.AddField(
            model_name='draw',
            name='word',
            field=models.CharField(blank=True, help_text='what whoever drew said; it decides nothing', max_length=200),
        ),
        migrations.AlterField(
            model_name='draw',
            name='seed',
            field=models.CharField(help_text='the one that counts', max_length=200),
        ),
        migrations.CreateModel(
            name='SiteCheckConfirmation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('agrees', models.BooleanField()),
                ('text', models.CharField(blank=True, help_text='what was otherwise', max_length=1000)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('site_check', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='confirmation', to='programmes.sitecheck')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SeedCommitment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text='SHA-256 of `call number|word`', max_length=64)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('call', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='seed_commitment', to='programmes.call')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('digest__regex', '^[0-9a-f]{64}$')), name='seed_commitment_is_a_digest')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='seedcommitment',
            trigger=pgtrigger.compiler.Trigger(name='seed_commitments_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1d1dcd25679ec57dce3b133a99bec4a242f82cba', operation='UPDATE OR DELETE', pgid='pgtrigger_seed_commitments_stay_5ac35', table='programmes_seedcommitment', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='seedcommitment',
            trigger=pgtrigger.compiler.Trigger(name='seeds_are_committed_before_submissions', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    PERFORM 1 FROM programmes_call WHERE id = NEW.call_id FOR UPDATE;\n                    IF EXISTS (\n                        SELECT 1 FROM programmes_applicationsubmission s\n                        JOIN programmes_application a ON a.id = s.application_id WHERE a.call_id = NEW.call_id)\n                       OR NEW.at >= (\n                        SELECT (c.last_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'\n                        FROM programmes_call c WHERE c.id = NEW.call_id)\n                    THEN\n                        RAISE EXCEPTION 'a seed is committed before anything is handed in' USING\n                            ERRCODE = 'check_violation', CONSTRAINT = 'seeds_are_committed_before_submissions';\n                    END IF;\n                    RETURN NEW;\n                ", hash='ee45310039c04200a6b06f27f3e9a7d9ee863cf1', operation='INSERT', pgid='pgtrigger_seeds_are_committed_before_submissions_e0b45', table='programmes_seedcommitment', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='sitecheckconfirmation',
            constraint=models.CheckConstraint(condition=models.Q(('agrees', True), ('text__regex', '\\S'), _connector='OR'), name='who_found_otherwise_says_what'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sitecheckconfirmation',
            trigger=pgtrigger.compiler.Trigger(name='site_check_confirmations_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='25c57cc2a3ba01bc33113d2114ad25870fd75f4e', operation='UPDATE OR DELETE', pgid='pgtrigger_site_check_confirmations_stay_0eb36', table='programmes_sitecheckconfirmation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sitecheckconfirmation',
            trigger=pgtrigger.compiler.Trigger(name='the_other_of_the_two_confirms', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM programmes_sitecheck s WHERE s.id = NEW.site_check_id AND NEW.at >= s.at\n                        AND NEW.by_id IN (s.first_id, s.second_id) AND NEW.by_id <> s.by_id)\n                    THEN\n                        RAISE EXCEPTION 'a check on site is confirmed by the one of the two who did not enter it'\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'the_other_of_the_two_confirms';\n                    END IF;\n                    RETURN NEW;\n                ", hash='c5b3890fce096b1c5339272a6696a507af71954f', operation='INSERT', pgid='pgtrigger_the_other_of_the_two_confirms_89fec', table='programmes_sitecheckconfirmation', when='BEFORE')),
        ),
    ]
