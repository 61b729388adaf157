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
            trigger=pgtrigger.compiler.Trigger(name='usage_names_what_exists', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE named RECORD;', func="\n                    FOR named IN SELECT DISTINCT centre_id, accelerator_id, party_id, source_file_id FROM arrived\n                    LOOP\n                        PERFORM 1 FROM compute_centre WHERE id = named.centre_id FOR KEY SHARE;\n                        PERFORM 1 FROM compute_accelerator WHERE id = named.accelerator_id FOR KEY SHARE;\n                        IF NOT FOUND THEN\n                            RAISE EXCEPTION 'accelerator % of a usage record is not there', named.accelerator_id\n                                USING ERRCODE = 'foreign_key_violation';\n                        END IF;\n                        PERFORM 1 FROM parties_party WHERE id = named.party_id FOR KEY SHARE;\n                        IF NOT FOUND AND named.party_id IS NOT NULL THEN\n                            RAISE EXCEPTION 'party % of a usage record is not there', named.party_id\n                                USING ERRCODE = 'foreign_key_violation';\n                        END IF;\n                        PERFORM 1 FROM compute_sourcefile\n                            WHERE id = named.source_file_id AND centre_id = named.centre_id;\n                        IF NOT FOUND THEN\n                            RAISE EXCEPTION 'source file % is not of centre %', named.source_file_id, named.centre_id\n                                USING ERRCODE = 'foreign_key_violation';\n                        END IF;\n                    END LOOP;\n                    RETURN NULL;\n                ", hash='8b383aa95cb2497ee55b83e5eaeed51ba86ca6e2', level='STATEMENT', operation='INSERT', pgid='pgtrigger_usage_names_what_exists_8081f', referencing='REFERENCING NEW TABLE AS arrived ', table='compute_usagerecord', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='tenant',
            constraint=models.UniqueConstraint(fields=('centre', 'kind', 'name'), name='tenant_once'),
        ),
        migrations.RunSQL(STAYS, GOES),
    ]
