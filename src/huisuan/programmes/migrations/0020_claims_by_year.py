import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('programmes', '0019_objection_tries'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='application',
            name='objects_live_with_the_application',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='claimobject',
            name='claim_objects_keep_what_they_are',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='claimobject',
            name='an_object_lives_with_its_claim',
        ),
        migrations.RemoveConstraint(
            model_name='claimobject',
            name='one_living_claim_holds_an_object',
        ),
        migrations.AddField(
            model_name='claimobject',
            name='year',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.RunSQL(
            # a city's projects are held year by year from here on, those under way, too
            "UPDATE programmes_claimobject o SET year = a.year FROM programmes_application a"
            " WHERE a.id = o.application_id AND o.kind = 'project' AND o.series <> ''",
            migrations.RunSQL.noop,
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='application',
            trigger=pgtrigger.compiler.Trigger(name='objects_live_with_the_application', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN ((OLD.state IN ('refused', 'withdrawn') OR OLD.state = 'closed' AND OLD.amount_fen = 0) IS DISTINCT FROM (NEW.state IN ('refused', 'withdrawn') OR NEW.state = 'closed' AND NEW.amount_fen = 0))", func='\n                    UPDATE programmes_claimobject SET living = living WHERE application_id = NEW.id;\n                    RETURN NULL;\n                ', hash='6e9159cb81c1d563a3ef7dd00f1843dfa46d3cb0', operation='UPDATE', pgid='pgtrigger_objects_live_with_the_application_fe1a9', table='programmes_application', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claimobject',
            trigger=pgtrigger.compiler.Trigger(name='claim_objects_keep_what_they_are', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."submission_id" IS DISTINCT FROM (NEW."submission_id") OR OLD."policy" IS DISTINCT FROM (NEW."policy") OR OLD."ground" IS DISTINCT FROM (NEW."ground") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."series" IS DISTINCT FROM (NEW."series") OR OLD."year" IS DISTINCT FROM (NEW."year") OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."typed" IS DISTINCT FROM (NEW."typed"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='9e4f65859a28f77a2d178a09d54dc0ed4241d815', operation='UPDATE', pgid='pgtrigger_claim_objects_keep_what_they_are_4677c', table='programmes_claimobject', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claimobject',
            trigger=pgtrigger.compiler.Trigger(name='an_object_lives_with_its_claim', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    NEW.living := NEW.dropped_by_id IS NULL AND EXISTS (\n                        SELECT 1 FROM programmes_application a\n                        WHERE a.id = NEW.application_id AND a.state NOT IN ('refused', 'withdrawn')\n                          AND NOT (a.state = 'closed' AND COALESCE(a.amount_fen = 0, FALSE)));\n                    RETURN NEW;\n                ", hash='bb3443ab74f9dfb2559f6939c07687876531b305', operation='INSERT OR UPDATE', pgid='pgtrigger_an_object_lives_with_its_claim_c65d0', table='programmes_claimobject', when='BEFORE')),
        ),
        # what was taken back whole before is free
        migrations.RunSQL("UPDATE programmes_claimobject SET living = living", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='claimobject',
            constraint=models.UniqueConstraint(condition=models.Q(('living', True)), fields=('policy', 'ground', 'kind', 'series', 'year', 'code'), name='one_living_claim_holds_an_object'),
        ),
    ]
