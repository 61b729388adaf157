"""Entries are found by an index over their texts, and counted by groups that they join by themselves."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

#: each entry joins its group by its trigger; what waits until the end of the transaction would hold up its index
JOIN = """
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE opendata_catalogueentry SET latest_id = latest_id WHERE latest_id IS NOT NULL;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('opendata', '0010_suspended_files_are_judged_again'),
        ('parties', '0014_saved_filters'),
    ]

    operations = [
        migrations.CreateModel(
            name='CatalogueGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(help_text='its USCC', max_length=18)),
                ('access', models.CharField(max_length=12)),
                ('kind', models.CharField(max_length=10)),
                ('frequency', models.CharField(max_length=12)),
                ('theme', models.CharField(max_length=40)),
                ('department', models.CharField(max_length=120)),
                ('licence', models.CharField(blank=True, max_length=120)),
            ],
        ),
        migrations.RemoveIndex(
            model_name='catalogueentry',
            name='catalogue_is_searched_by',
        ),
        migrations.RemoveField(
            model_name='catalogueentry',
            name='grams',
        ),
        migrations.AddIndex(
            model_name='catalogueversion',
            index=models.Index(fields=['at', 'id'], name='catalogue_by_day'),
        ),
        migrations.AddField(
            model_name='cataloguegroup',
            name='region',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='parties.region'),
        ),
        migrations.AddField(
            model_name='catalogueentry',
            name='group',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='opendata.cataloguegroup'),
        ),
        migrations.AddConstraint(
            model_name='cataloguegroup',
            constraint=models.UniqueConstraint(fields=('provider', 'access', 'kind', 'frequency', 'theme', 'region', 'department', 'licence'), name='catalogue_group_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='cataloguegroup',
            trigger=pgtrigger.compiler.Trigger(name='catalogue_groups_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='68e87663b9d01b4d94b5c61c228ee936fef9343e', operation='UPDATE OR DELETE', pgid='pgtrigger_catalogue_groups_stay_3d197', table='opendata_cataloguegroup', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='catalogueentry',
            trigger=pgtrigger.compiler.Trigger(name='catalogue_entries_join_their_group', sql=pgtrigger.compiler.UpsertTriggerSql(func='\nSELECT g.id INTO NEW.group_id FROM opendata_catalogueversion v\nJOIN opendata_cataloguegroup g USING (access, kind, frequency, theme, region_id, department, licence)\nWHERE v.id = NEW.latest_id AND g.provider = left(NEW.code, 18);\nIF NEW.latest_id IS NOT NULL AND NEW.group_id IS NULL THEN\n  INSERT INTO opendata_cataloguegroup (provider, access, kind, frequency, theme, region_id, department, licence)\n  SELECT left(NEW.code, 18), access, kind, frequency, theme, region_id, department, licence\n  FROM opendata_catalogueversion WHERE id = NEW.latest_id\n  ON CONFLICT DO NOTHING;\n  SELECT g.id INTO NEW.group_id FROM opendata_catalogueversion v\n  JOIN opendata_cataloguegroup g USING (access, kind, frequency, theme, region_id, department, licence)\n  WHERE v.id = NEW.latest_id AND g.provider = left(NEW.code, 18);\nEND IF;\nRETURN NEW;\n', hash='767c1c6d30c6d4cc13dbcb7113118436561f962a', operation='INSERT OR UPDATE OF "latest_id"', pgid='pgtrigger_catalogue_entries_join_their_group_6eca4', table='opendata_catalogueentry', when='BEFORE')),
        ),
        migrations.RunSQL(JOIN, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='catalogueentry',
            index=django.contrib.postgres.indexes.GinIndex(models.Func(models.F('searched'), function='opendata_grams'), name='catalogue_is_searched_by'),
        ),
    ]
