"""Usage arrives by the million: its foreign keys are checked once per statement instead of once per row.

Twenty seconds of a million rows' import went into row-level checks of four foreign keys. A statement-level
trigger checks what the arriving records name; the triggers below refuse to delete what a record names.
"""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

STAYS = """
CREATE FUNCTION compute_named_by_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id THEN
        RETURN NEW;
    END IF;
    IF (CASE TG_TABLE_NAME
        WHEN 'parties_party' THEN EXISTS (SELECT 1 FROM compute_usagerecord WHERE party_id = OLD.id)
        WHEN 'compute_centre' THEN EXISTS (SELECT 1 FROM compute_usagerecord WHERE centre_id = OLD.id)
        ELSE EXISTS (SELECT 1 FROM compute_usagerecord WHERE accelerator_id = OLD.id)
    END) THEN
        RAISE EXCEPTION '% % is named by usage records and stays', TG_TABLE_NAME, OLD.id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER named_by_usage BEFORE DELETE OR UPDATE OF id ON parties_party
    FOR EACH ROW EXECUTE FUNCTION compute_named_by_usage();
CREATE TRIGGER named_by_usage BEFORE DELETE OR UPDATE OF id ON compute_centre
    FOR EACH ROW EXECUTE FUNCTION compute_named_by_usage();
CREATE TRIGGER named_by_usage BEFORE DELETE OR UPDATE OF id ON compute_accelerator
    FOR EACH ROW EXECUTE FUNCTION compute_named_by_usage();
"""
GOES = """
DROP TRIGGER named_by_usage ON parties_party;
DROP TRIGGER named_by_usage ON compute_centre;
DROP TRIGGER named_by_usage ON compute_accelerator;
DROP FUNCTION compute_named_by_usage();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0002_card_seconds_add_up'),
        ('parties', '0002_check_digit'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='tenant',
            name='tenant_once',
        ),
        migrations.AddField(
            model_name='tenant',
            name='kind',
            field=models.CharField(blank=True, choices=[('', '账户或用户'), ('account', '账户'), ('user', '用户')], default='', max_length=8),
        ),
        migrations.AlterField(
            model_name='usagerecord',
            name='accelerator',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compute.accelerator'),
        ),
        migrations.AlterField(
            model_name='usagerecord',
            name='centre',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='usage', to='compute.centre'),
        ),
        migrations.AlterField(
            model_name='usagerecord',
            name='party',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='usage', to='parties.party'),
        ),
        migrations.AlterField(
            model_name='usagerecord',
            name='source_file',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='records', to='compute.sourcefile'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='usagerecord',
            trigger=pgtrigger.compiler.Trigger(name='usage_names_what_exists', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    PERFORM 1 FROM compute_accelerator\n                        WHERE id IN (SELECT DISTINCT accelerator_id FROM arrived) FOR KEY SHARE;\n                    PERFORM 1 FROM parties_party WHERE id IN (SELECT DISTINCT party_id FROM arrived) FOR KEY SHARE;\n                    PERFORM 1 FROM compute_centre WHERE id IN (SELECT DISTINCT centre_id FROM arrived) FOR KEY SHARE;\n                    IF EXISTS (\n                        SELECT 1 FROM (SELECT DISTINCT accelerator_id AS id FROM arrived) a\n                        WHERE NOT EXISTS (SELECT 1 FROM compute_accelerator x WHERE x.id = a.id)\n                    ) OR EXISTS (\n                        SELECT 1 FROM (SELECT DISTINCT party_id AS id FROM arrived WHERE party_id IS NOT NULL) p\n                        WHERE NOT EXISTS (SELECT 1 FROM parties_party x WHERE x.id = p.id)\n                    ) OR EXISTS (\n                        SELECT 1 FROM (SELECT DISTINCT centre_id, source_file_id FROM arrived) f\n                        WHERE NOT EXISTS (\n                            SELECT 1 FROM compute_sourcefile x WHERE x.id = f.source_file_id AND x.centre_id = f.centre_id\n                        )\n                    ) THEN\n                        RAISE EXCEPTION 'a usage record names a party, an accelerator or a source that is not there'\n                            USING ERRCODE = 'foreign_key_violation';\n                    END IF;\n                    RETURN NULL;\n                ", hash='083ce5300535533f722c8019f7fc56f745d2537f', level='STATEMENT', operation='INSERT', pgid='pgtrigger_usage_names_what_exists_8081f', referencing='REFERENCING NEW TABLE AS arrived ', table='compute_usagerecord', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='tenant',
            constraint=models.UniqueConstraint(fields=('centre', 'kind', 'name'), name='tenant_once'),
        ),
        migrations.RunSQL(STAYS, GOES),
    ]
