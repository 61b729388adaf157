"""Every job belongs to a project (older ones to their party's default), and projects have budgets."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0024_results_of_jobs'),
        ('parties', '0007_members_and_projects'),
    ]

    operations = [
        # rows are written here and their tables changed after it: PostgreSQL refuses that while a key waits to be checked
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.CreateModel(
            name='BudgetAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts', models.DateField(help_text='first day of the period')),
                ('kind', models.CharField(choices=[('50', '已用 50%'), ('80', '已用 80%'), ('100', '已用 100%'), ('held', '有作业在等预算')], max_length=4)),
                ('at', models.DateTimeField()),
                ('used', models.BigIntegerField()),
                ('reserved', models.BigIntegerField()),
                ('job_uid', models.CharField(blank=True, help_text='the job that was held back', max_length=32)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='BudgetReservation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run', models.PositiveSmallIntegerField()),
                ('lease', models.PositiveIntegerField()),
                ('card_seconds', models.BigIntegerField()),
                ('fen_per_card_hour', models.BigIntegerField(blank=True, null=True)),
                ('placed_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.CharField(blank=True, choices=[('metered', '已计量'), ('never_began', '没有开始'), ('unmetered', '没有计量送到')], max_length=12)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='FirmBudget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(choices=[('year', '年'), ('month', '月')], max_length=5)),
                ('unit', models.CharField(choices=[('fen', '分'), ('card_seconds', '卡秒')], max_length=12)),
                ('limit', models.BigIntegerField(help_text='fen, or card-seconds')),
                ('hard', models.BooleanField(help_text='no job is placed beyond it; otherwise it only alerts')),
                ('set_by', models.CharField(max_length=80)),
                ('set_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.CharField(blank=True, max_length=80)),
            ],
            options={
                'ordering': ['party', 'project', 'period', 'unit', '-hard', 'id'],
            },
        ),
        migrations.CreateModel(
            name='PartyUseDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.CharField(max_length=120)),
                ('day', models.DateField()),
                ('card_seconds', models.BigIntegerField()),
            ],
            options={
                'ordering': ['party', 'day'],
            },
        ),
        migrations.CreateModel(
            name='PartyUseTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name='job',
            name='project',
            field=models.ForeignKey(blank=True, null=True, help_text="none given: the party's default", on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='parties.project'),
        ),
        migrations.RunSQL(
            [
                "INSERT INTO parties_project (party_id, code, name, created_by, created_at) "
                "SELECT DISTINCT party_id, 'default', '默认项目', '', now() FROM compute_job ON CONFLICT DO NOTHING",
                "UPDATE compute_job j SET project_id = p.id FROM parties_project p "
                "WHERE p.party_id = j.party_id AND p.code = 'default'",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name='job',
            name='project',
            field=models.ForeignKey(blank=True, help_text="none given: the party's default", on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='parties.project'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['project', '-submitted_at'], name='job_of_a_project'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='job',
            trigger=pgtrigger.compiler.Trigger(name='job_has_a_project', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF TG_OP = 'UPDATE' THEN\n        NEW.project_id := COALESCE(NEW.project_id, OLD.project_id);\n        IF NEW.project_id IS DISTINCT FROM OLD.project_id THEN\n            RAISE EXCEPTION 'the project of a job stays'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'job_project_stays';\n        END IF;\n        RETURN NEW;\n    END IF;\n    IF NEW.project_id IS NULL THEN\n        SELECT id INTO NEW.project_id FROM parties_project WHERE party_id = NEW.party_id AND code = 'default';\n        IF NEW.project_id IS NULL THEN\n            INSERT INTO parties_project (party_id, code, name, created_by, created_at)\n                VALUES (NEW.party_id, 'default', '默认项目', '', now()) ON CONFLICT DO NOTHING;\n            SELECT id INTO NEW.project_id FROM parties_project WHERE party_id = NEW.party_id AND code = 'default';\n        END IF;\n    ELSIF NOT EXISTS (SELECT 1 FROM parties_project WHERE id = NEW.project_id AND party_id = NEW.party_id) THEN\n        RAISE EXCEPTION 'the project of a job is its party''s'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'job_project_is_its_partys';\n    END IF;\n    RETURN NEW;\n", hash='f2ac4a3647ae7355bae1592b08de7d37fcaf8a3d', operation='INSERT OR UPDATE OF "project_id"', pgid='pgtrigger_job_has_a_project_8c0ca', table='compute_job', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='budgetreservation',
            name='accelerator',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.accelerator'),
        ),
        migrations.AddField(
            model_name='budgetreservation',
            name='centre',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.centre'),
        ),
        migrations.AddField(
            model_name='budgetreservation',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reservations', to='compute.job'),
        ),
        migrations.AddField(
            model_name='budgetreservation',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reservations', to='parties.project'),
        ),
        migrations.AddField(
            model_name='firmbudget',
            name='party',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='budgets', to='parties.party'),
        ),
        migrations.AddField(
            model_name='firmbudget',
            name='project',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='budgets', to='parties.project'),
        ),
        migrations.AddField(
            model_name='budgetalert',
            name='budget',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='compute.firmbudget'),
        ),
        migrations.AddField(
            model_name='partyuseday',
            name='accelerator',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.accelerator'),
        ),
        migrations.AddField(
            model_name='partyuseday',
            name='centre',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='compute.centre'),
        ),
        migrations.AddField(
            model_name='partyuseday',
            name='party',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='use_days', to='parties.party'),
        ),
        migrations.AddField(
            model_name='partyuseday',
            name='project',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='use_days', to='parties.project'),
        ),
        migrations.AddField(
            model_name='partyusetally',
            name='centre',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='party_tally', to='compute.centre'),
        ),
        migrations.AddIndex(
            model_name='budgetreservation',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['project'], name='reservation_open'),
        ),
        migrations.AddConstraint(
            model_name='budgetreservation',
            constraint=models.UniqueConstraint(fields=('job', 'lease'), name='reservation_once'),
        ),
        migrations.AddConstraint(
            model_name='budgetreservation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('outcome', '')), models.Q(('closed_at__isnull', False), ('outcome__in', ['metered', 'never_began', 'unmetered'])), _connector='OR'), name='reservation_closes_with_an_outcome'),
        ),
        migrations.AddConstraint(
            model_name='budgetreservation',
            constraint=models.CheckConstraint(condition=models.Q(('card_seconds__gte', 1), models.Q(('fen_per_card_hour__isnull', True), ('fen_per_card_hour__gte', 0), _connector='OR')), name='reservation_is_of_something'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='budgetreservation',
            trigger=pgtrigger.compiler.Trigger(name='reservations_only_close', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."accelerator_id" IS DISTINCT FROM (NEW."accelerator_id") OR OLD."card_seconds" IS DISTINCT FROM (NEW."card_seconds") OR OLD."centre_id" IS DISTINCT FROM (NEW."centre_id") OR OLD."fen_per_card_hour" IS DISTINCT FROM (NEW."fen_per_card_hour") OR OLD."job_id" IS DISTINCT FROM (NEW."job_id") OR OLD."lease" IS DISTINCT FROM (NEW."lease") OR OLD."placed_at" IS DISTINCT FROM (NEW."placed_at") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."run" IS DISTINCT FROM (NEW."run"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='95c60ae3b4685be7755fb24667795fa9ae41878a', operation='UPDATE', pgid='pgtrigger_reservations_only_close_21f97', table='compute_budgetreservation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='budgetreservation',
            trigger=pgtrigger.compiler.Trigger(name='reservations_close_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."closed_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='447b21d2c871c38a79d4fe92492de05961d9de68', operation='UPDATE', pgid='pgtrigger_reservations_close_once_baa86', table='compute_budgetreservation', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='firmbudget',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('party', 'project', 'period', 'unit', 'hard'), name='budget_stands_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='firmbudget',
            constraint=models.CheckConstraint(condition=models.Q(('limit__gte', 0), ('limit__lte', 100000000000000000)), name='budget_limit_is_sane'),
        ),
        migrations.AddConstraint(
            model_name='firmbudget',
            constraint=models.CheckConstraint(condition=models.Q(('period__in', ['year', 'month']), ('unit__in', ['fen', 'card_seconds'])), name='budget_words_are_known'),
        ),
        migrations.AddConstraint(
            model_name='firmbudget',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_by', '')), models.Q(('ended_at__gte', models.F('set_at')), models.Q(('ended_by', ''), _negated=True)), _connector='OR'), name='budget_ends_by_somebody'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='firmbudget',
            trigger=pgtrigger.compiler.Trigger(name='budgets_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='b2cfda4f6500ba2227b2ebef04bd76670936e4d3', operation='DELETE', pgid='pgtrigger_budgets_stay_e12b7', table='compute_firmbudget', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='firmbudget',
            trigger=pgtrigger.compiler.Trigger(name='budgets_only_end', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."hard" IS DISTINCT FROM (NEW."hard") OR OLD."limit" IS DISTINCT FROM (NEW."limit") OR OLD."party_id" IS DISTINCT FROM (NEW."party_id") OR OLD."period" IS DISTINCT FROM (NEW."period") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."set_at" IS DISTINCT FROM (NEW."set_at") OR OLD."set_by" IS DISTINCT FROM (NEW."set_by") OR OLD."unit" IS DISTINCT FROM (NEW."unit"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='01de912c980ecc01df527d2ce74fc50032b1d115', operation='UPDATE', pgid='pgtrigger_budgets_only_end_29de5', table='compute_firmbudget', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='firmbudget',
            trigger=pgtrigger.compiler.Trigger(name='budgets_end_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."ended_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='b75982b13c81dc0e395c9160fecee297cbf7e51e', operation='UPDATE', pgid='pgtrigger_budgets_end_once_ddfd9', table='compute_firmbudget', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='firmbudget',
            trigger=pgtrigger.compiler.Trigger(name='budget_is_of_its_firms_project', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NEW.project_id IS NOT NULL AND NOT EXISTS (\n                        SELECT 1 FROM parties_project WHERE id = NEW.project_id AND party_id = NEW.party_id\n                    ) THEN\n                        RAISE EXCEPTION 'a budget is of a project of its firm' USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ", hash='4c538801523868251420720ccfd314f74ac9c37c', operation='INSERT', pgid='pgtrigger_budget_is_of_its_firms_project_aabae', table='compute_firmbudget', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='budgetalert',
            constraint=models.UniqueConstraint(fields=('budget', 'starts', 'kind'), name='budget_alert_once'),
        ),
        migrations.AddConstraint(
            model_name='budgetalert',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['50', '80', '100', 'held'])), name='budget_alert_kind_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='budgetalert',
            trigger=pgtrigger.compiler.Trigger(name='budget_alerts_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1985e9ec4c50c26493e796c81ffd06cdd690e41b', operation='UPDATE OR DELETE', pgid='pgtrigger_budget_alerts_stay_05a6c', table='compute_budgetalert', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='partyuseday',
            constraint=models.UniqueConstraint(fields=('party', 'day', 'project', 'user', 'centre', 'accelerator'), name='party_use_day_once', nulls_distinct=False),
        ),
        # what is at a centre when this comes is reserved as if it were placed now
        migrations.RunSQL(
            "INSERT INTO compute_budgetreservation (job_id, run, lease, project_id, centre_id, accelerator_id, "
            "card_seconds, fen_per_card_hour, placed_at, outcome) "
            "SELECT uid, run, lease, project_id, centre_id, accelerator_id, cards::bigint * time_limit_seconds, "
            "fen_per_card_hour, coalesce(placed_at, submitted_at), '' FROM compute_job "
            "WHERE state IN ('placed', 'queued', 'running')",
            migrations.RunSQL.noop,
        ),
    ]
