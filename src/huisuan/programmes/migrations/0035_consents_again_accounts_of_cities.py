"""Migration: consents given again, the first accounts of cities, what a key was used for."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('programmes', '0034_move_to_a_newer_procedure'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentConfirmation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='payeeaccount',
            name='payee_accounts_keep_what_they_are',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='personconsent',
            name='consents_keep_what_they_say',
        ),
        migrations.RemoveConstraint(
            model_name='payeeaccount',
            name='one_payee_change_waits',
        ),
        migrations.RemoveConstraint(
            model_name='payeeaccount',
            name='payee_change_is_answered_by_another',
        ),
        migrations.AddField(
            model_name='applicationstep',
            name='asked',
            field=models.CharField(blank=True, db_default='', help_text='digest of what was asked under the key; none: of earlier versions', max_length=64),
        ),
        migrations.AddField(
            model_name='payeeaccount',
            name='first_waits',
            field=models.BooleanField(db_default=False, default=False, help_text="a city's first: counts once accepted"),
        ),
        migrations.AddField(
            model_name='personconsent',
            name='again',
            field=models.BooleanField(db_default=False, default=False, help_text='entered after a withdrawal'),
        ),
        # what was entered after a withdrawal until now counts once it is confirmed, too
        migrations.RunSQL(
            """
            ALTER TABLE programmes_personconsent DISABLE TRIGGER USER;
            UPDATE programmes_personconsent c SET again = true WHERE EXISTS (
                SELECT 1 FROM programmes_consentwithdrawal w JOIN programmes_personconsent o ON o.id = w.consent_id
                WHERE o.application_id = c.application_id AND w.at <= c.at AND o.id < c.id);
            ALTER TABLE programmes_personconsent ENABLE TRIGGER USER;
            """,
            migrations.RunSQL.noop,
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='payeeaccount',
            trigger=pgtrigger.compiler.Trigger(name='payee_accounts_keep_what_they_are', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."account_number" IS DISTINCT FROM (NEW."account_number") OR OLD."bank" IS DISTINCT FROM (NEW."bank") OR OLD."given_by_id" IS DISTINCT FROM (NEW."given_by_id") OR OLD."given_at" IS DISTINCT FROM (NEW."given_at") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."first_waits" IS DISTINCT FROM (NEW."first_waits"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='b7607ee6ef44e084f0778aa580fff55a578b2b93', operation='UPDATE', pgid='pgtrigger_payee_accounts_keep_what_they_are_1c5ca', table='programmes_payeeaccount', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='payeeaccount',
            trigger=pgtrigger.compiler.Trigger(name='the_first_account_of_a_city_waits', sql=pgtrigger.compiler.UpsertTriggerSql(func='\n                    NEW.first_waits := NEW.number = 1 AND EXISTS (\n                        SELECT 1 FROM programmes_application a\n                        WHERE a.id = NEW.application_id AND a.city_id IS NOT NULL);\n                    RETURN NEW;\n                ', hash='3ea5a76450a91668f6c133eabfbdf591bc8bb49f', operation='INSERT', pgid='pgtrigger_the_first_account_of_a_city_waits_d238e', table='programmes_payeeaccount', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='personconsent',
            trigger=pgtrigger.compiler.Trigger(name='consents_keep_what_they_say', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."paper" IS DISTINCT FROM (NEW."paper") OR OLD."given_on" IS DISTINCT FROM (NEW."given_on") OR OLD."again" IS DISTINCT FROM (NEW."again") OR OLD."by_id" IS DISTINCT FROM (NEW."by_id") OR OLD."at" IS DISTINCT FROM (NEW."at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='c80df0c4b5b8bb3c9668f9f54f27ac04a58f72ad', operation='UPDATE', pgid='pgtrigger_consents_keep_what_they_say_4b74f', table='programmes_personconsent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='personconsent',
            trigger=pgtrigger.compiler.Trigger(name='a_new_consent_follows_what_was_taken_back', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE last_day date;', func="\n                    SELECT max(w.withdrawn_on) INTO last_day FROM programmes_consentwithdrawal w\n                    JOIN programmes_personconsent c ON c.id = w.consent_id\n                    WHERE c.application_id = NEW.application_id;\n                    IF NEW.given_on <= last_day THEN\n                        RAISE EXCEPTION 'a consent that was taken back is given again on a later day'\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_new_consent_follows_what_was_taken_back';\n                    END IF;\n                    NEW.again := last_day IS NOT NULL;\n                    RETURN NEW;\n                ", hash='0af76d9992203d477f1e3936064daf9482ff6479', operation='INSERT', pgid='pgtrigger_a_new_consent_follows_what_was_taken_back_aa85a', table='programmes_personconsent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='payeeaccount',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('accepted__isnull', True), ('number__gt', 1)), models.Q(('accepted__isnull', True), ('first_waits', True)), _connector='OR'), fields=('application',), name='one_payee_change_waits'),
        ),
        migrations.AddConstraint(
            model_name='payeeaccount',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('accepted__isnull', True), ('answered_at__isnull', True), ('answered_by__isnull', True)), models.Q(models.Q(('number__gt', 1), ('first_waits', True), _connector='OR'), ('accepted__isnull', False), ('answered_at__isnull', False), ('answered_by__isnull', False), models.Q(('answered_by', models.F('given_by')), _negated=True)), _connector='OR'), name='payee_change_is_answered_by_another'),
        ),
        migrations.AddField(
            model_name='consentconfirmation',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='consentconfirmation',
            name='consent',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='confirmation', to='programmes.personconsent'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentconfirmation',
            trigger=pgtrigger.compiler.Trigger(name='consent_confirmations_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='8c4416c3a13c8a5c722a49aa47e6d4014d2cfc0e', operation='UPDATE OR DELETE', pgid='pgtrigger_consent_confirmations_stay_5c326', table='programmes_consentconfirmation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentconfirmation',
            trigger=pgtrigger.compiler.Trigger(name='a_consent_is_confirmed_by_another', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM programmes_personconsent c\n                        WHERE c.id = NEW.consent_id AND c.again AND c.by_id <> NEW.by_id)\n                    THEN\n                        RAISE EXCEPTION 'a consent given again is confirmed, by another than entered it'\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_consent_is_confirmed_by_another';\n                    END IF;\n                    RETURN NEW;\n                ", hash='2eb4386cd4a1c440d07b0174c465e8358ddfd534', operation='INSERT', pgid='pgtrigger_a_consent_is_confirmed_by_another_a52dd', table='programmes_consentconfirmation', when='BEFORE')),
        ),
    ]
