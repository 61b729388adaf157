"""What 0005 filled in is required from now on."""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('parties', '0005_owners_for_old_tokens'),
    ]

    operations = [
        migrations.AlterField(
            model_name='token',
            name='expires_at',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='token',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RemoveConstraint(
            model_name='token',
            name='token_role_has_its_place',
        ),
        migrations.RemoveField(
            model_name='token',
            name='city',
        ),
        migrations.RemoveField(
            model_name='token',
            name='party',
        ),
        migrations.RemoveField(
            model_name='token',
            name='role',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='token',
            trigger=pgtrigger.compiler.Trigger(name='token_begins', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    PERFORM 1 FROM parties_person p WHERE p.id = NEW.person_id AND p.is_active FOR SHARE;\n    IF NOT FOUND THEN\n        RAISE EXCEPTION 'no token for who is disabled'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'token_of_who_is_active';\n    END IF;\n    RETURN NEW;\n", hash='b8df8cef30261a56dad71b3a499837ea010b91d3', operation='INSERT', pgid='pgtrigger_token_begins_92101', table='parties_token', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='token',
            trigger=pgtrigger.compiler.Trigger(name='token_only_ends', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF (NEW.digest, NEW.person_id, NEW.scope, NEW.created_at, NEW.label)\n        IS DISTINCT FROM (OLD.digest, OLD.person_id, OLD.scope, OLD.created_at, OLD.label)\n        OR NEW.expires_at > OLD.expires_at\n        OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) THEN\n        RAISE EXCEPTION 'a token only ends' USING ERRCODE = 'check_violation', CONSTRAINT = 'token_only_ends';\n    END IF;\n    RETURN NEW;\n", hash='2650042a532770892655cec1e108b756574590a8', operation='UPDATE', pgid='pgtrigger_token_only_ends_e75c6', table='parties_token', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(condition=models.Q(('scope__in', ['read', 'submit', 'manage'])), name='token_scope_is_known'),
        ),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('created_at')), ('expires_at__lte', django.db.models.expressions.CombinedExpression(models.F('created_at'), '+', models.Value(datetime.timedelta(days=366))))), name='token_ends_within_a_year'),
        ),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(condition=models.Q(('label', ''), _negated=True), name='token_has_a_name'),
        ),
        migrations.RunSQL(
            # django-axes counted failed sign-ins until now; parties_signintry does
            'DROP TABLE IF EXISTS axes_accessfailurelog, axes_accesslog, axes_accessattempt, axes_accessattemptexpiration CASCADE;'
            "DELETE FROM django_migrations WHERE app = 'axes'",
            migrations.RunSQL.noop,
        ),
    ]
