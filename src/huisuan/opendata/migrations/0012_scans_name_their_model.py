"""Rules name the model that judges names by them, and no scan without a model outweighs one with it."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# Rules of before named no digest: what stood behind them is kept as their model.
_MODELS = """
ALTER TABLE opendata_gaterules DISABLE TRIGGER USER;
UPDATE opendata_gaterules SET model = split_part(version, '+', 2) WHERE version LIKE '%+_%';
ALTER TABLE opendata_gaterules ENABLE TRIGGER USER;
"""
# A scan by which its bytes may go out: by current rules, to its end, nothing open. The same rules with a model are as
# current as without one. No model: what a model found in the same bytes still holds; alone, without a person: what
# another model found, too.
_STANDS = """
CREATE FUNCTION opendata_scan_stands(scanned bigint, alone boolean) RETURNS boolean LANGUAGE sql STABLE AS $body$
    SELECT EXISTS (
        SELECT 1 FROM opendata_gatescan s JOIN opendata_gaterules r ON r.version = s.rules_id
        CROSS JOIN (SELECT * FROM opendata_gaterules ORDER BY id DESC LIMIT 1) latest
        WHERE s.id = scanned AND opendata_open_findings(s.id) = 0
          AND (r.id = latest.id OR latest.model = 'none' AND r.model <> 'none'
               AND split_part(r.version, '+', 1) = split_part(latest.version, '+', 1))
          AND NOT EXISTS (
              SELECT 1 FROM opendata_gatescan t JOIN opendata_gaterules o ON o.version = t.rules_id
              WHERE t.file_id = s.file_id AND t.product_id IS NOT NULL
                AND (t.product_id = s.product_id OR t.sha256 = s.sha256)
                AND o.model <> 'none' AND o.model <> r.model AND (alone OR r.model = 'none')
                AND opendata_open_findings(t.id) IS DISTINCT FROM 0))
$body$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('opendata', '0011_found_and_counted_by_groups'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='gaterelease',
            name='release_is_its_scan',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='gatestep',
            name='gate_steps_are_checked',
        ),
        migrations.AddField(
            model_name='gaterules',
            name='model',
            field=models.CharField(default='none', max_length=64),
        ),
        migrations.AlterField(
            model_name='gateremake',
            name='scan',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='remakes', to='opendata.gatescan'),
        ),
        migrations.AlterField(
            model_name='gaterules',
            name='version',
            field=models.CharField(max_length=120, unique=True),
        ),
        migrations.AlterField(
            model_name='namechunk',
            name='rules',
            field=models.CharField(max_length=120),
        ),
        migrations.RunSQL(_MODELS, migrations.RunSQL.noop),
        migrations.RunSQL(_STANDS, "DROP FUNCTION opendata_scan_stands(bigint, boolean)"),
        pgtrigger.migrations.AddTrigger(
            model_name='gaterelease',
            trigger=pgtrigger.compiler.Trigger(name='release_is_its_scan', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF NOT EXISTS (\n    SELECT 1 FROM opendata_gateproduct p\n    JOIN opendata_gateremake m ON m.id = p.remake_id\n    JOIN opendata_gatefile f ON f.id = m.file_id\n    JOIN opendata_gatescan s ON s.product_id = p.id\n    WHERE p.id = NEW.product_id AND f.id = NEW.file_id AND s.id = NEW.scan_id AND s.file_id = f.id\n      AND m.id = (SELECT max(id) FROM opendata_gateremake WHERE file_id = f.id)\n      AND f.state = 'ready'\n      AND p.sha256 = NEW.sha256 AND s.sha256 = NEW.sha256\n      AND opendata_scan_stands(s.id, false)) THEN\n    RAISE EXCEPTION 'nothing leaves that was not scanned to its end, by current rules, without an open finding'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'release_is_its_scan';\nEND IF;\nRETURN NEW;\n", hash='216b932a7a68e2208be89942c52cfcd870f657fa', operation='INSERT', pgid='pgtrigger_release_is_its_scan_cbf2a', table='opendata_gaterelease', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gatestep',
            trigger=pgtrigger.compiler.Trigger(name='gate_steps_are_checked', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF NEW.at < (SELECT state_since FROM opendata_gatefile WHERE id = NEW.file_id) THEN\n    RAISE EXCEPTION 'a step is taken after the one before'\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'gate_step_in_time';\nEND IF;\nIF NEW.to_state = 'clean' AND (SELECT opendata_open_findings(max(id)) FROM opendata_gatescan\n                               WHERE file_id = NEW.file_id AND product_id IS NULL) IS DISTINCT FROM 0 THEN\n    RAISE EXCEPTION 'file % has findings that nobody judged', NEW.file_id\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'clean_has_no_open_finding';\nEND IF;\nIF NEW.to_state = 'ready' AND (\n       NOT EXISTS (SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =\n                   (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id))\n       OR EXISTS (SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =\n                  (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id)\n                  AND (SELECT opendata_open_findings(max(s.id)) FROM opendata_gatescan s WHERE s.product_id = p.id)\n                      IS DISTINCT FROM 0)) THEN\n    RAISE EXCEPTION 'file % has a product that was not scanned, or in which something was found', NEW.file_id\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'ready_was_scanned_again';\nEND IF;\nIF NEW.to_state = 'released' AND (\n       NOT EXISTS (SELECT 1 FROM opendata_gaterelease WHERE file_id = NEW.file_id)\n       OR EXISTS (SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =\n                  (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id)\n                  AND NOT EXISTS (SELECT 1 FROM opendata_gaterelease r WHERE r.product_id = p.id))) THEN\n    RAISE EXCEPTION 'file % has a product without its release', NEW.file_id\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'released_has_its_releases';\nEND IF;\nIF NEW.to_state = 'released' AND NEW.from_state = 'suspended' AND EXISTS (\n       SELECT 1 FROM opendata_gateproduct p WHERE p.remake_id =\n       (SELECT max(id) FROM opendata_gateremake WHERE file_id = NEW.file_id)\n       AND NOT opendata_scan_stands((SELECT max(id) FROM opendata_gatescan WHERE product_id = p.id), true)) THEN\n    RAISE EXCEPTION 'file % is suspended: current rules find something, or have not the model that did', NEW.file_id\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'resumed_is_clean_by_current_rules';\nEND IF;\nRETURN NEW;\n", hash='a3ba23428dfeae2411bf8dd2fbf6cdcd9d322a86', operation='INSERT', pgid='pgtrigger_gate_steps_are_checked_e84f1', table='opendata_gatestep', when='BEFORE')),
        ),
    ]
