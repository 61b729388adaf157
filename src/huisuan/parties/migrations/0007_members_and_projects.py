"""Members' roles in their firm, projects, invitations. Whoever was a user could do everything: each is an owner."""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('parties', '0006_every_token_has_an_owner'),
    ]

    operations = [
        migrations.CreateModel(
            name='MemberInvitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('member_role', models.CharField(choices=[('owner', '所有者'), ('submitter', '提交者'), ('viewer', '只读成员')], max_length=10)),
                ('note', models.CharField(blank=True, help_text='for whom', max_length=120)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('invited_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=120)),
                ('created_by', models.CharField(blank=True, help_text='username; empty: made by the platform', max_length=80)),
                ('created_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, help_text='takes no new jobs since', null=True)),
            ],
            options={
                'ordering': ['party', 'code'],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='person',
            name='person_changes_end_access',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='token',
            name='token_begins',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='token',
            name='token_only_ends',
        ),
        migrations.RemoveConstraint(
            model_name='personevent',
            name='person_event_says_what_and_by_whom',
        ),
        migrations.AddField(
            model_name='person',
            name='member_role',
            field=models.CharField(blank=True, choices=[('owner', '所有者'), ('submitter', '提交者'), ('viewer', '只读成员')], default='', help_text='within the firm; only users have one', max_length=10),
        ),
        migrations.RunSQL(
            "UPDATE parties_person SET member_role = 'owner' WHERE role = 'user'", migrations.RunSQL.noop
        ),
        migrations.AlterField(
            model_name='personevent',
            name='what',
            field=models.CharField(choices=[('added', '新增'), ('disabled', '停用'), ('enabled', '启用'), ('password', '改口令'), ('moved', '调动'), ('token_made', '新建令牌'), ('token_revoked', '吊销令牌'), ('factor_set', '登记两步验证'), ('factor_codes', '换恢复码'), ('factor_reset', '清除两步验证'), ('recovery_used', '用了恢复码'), ('bound', '绑定统一身份'), ('unbound', '解除统一身份'), ('invited', '邀请同事'), ('uninvited', '撤回邀请'), ('signed_in', '登录'), ('signed_out', '退出所有登录')], max_length=20),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='person',
            trigger=pgtrigger.compiler.Trigger(name='a_user_gets_a_member_role', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF TG_OP = 'UPDATE' THEN  -- another firm: the role in the former one does not come along\n        IF NEW.party_id IS DISTINCT FROM OLD.party_id AND NEW.member_role = OLD.member_role THEN\n            NEW.member_role := '';\n        END IF;\n    END IF;\n    IF NEW.role <> 'user' THEN\n        NEW.member_role := '';\n    ELSIF NEW.member_role = '' THEN\n        IF NEW.machine OR EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.party_id = NEW.party_id AND p.member_role = 'owner' AND p.is_active AND NOT p.machine\n              AND p.id IS DISTINCT FROM NEW.id\n        ) THEN\n            NEW.member_role := 'submitter';\n        ELSE\n            NEW.member_role := 'owner';\n        END IF;\n    END IF;\n    RETURN NEW;\n", hash='087d9a745bae6aa517440f748bca9ec30d5c5f3e', operation='INSERT OR UPDATE', pgid='pgtrigger_a_user_gets_a_member_role_f03aa', table='parties_person', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='person',
            trigger=pgtrigger.compiler.Trigger(name='person_changes_end_access', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF (NEW.role, NEW.party_id, NEW.city_id, NEW.is_active, NEW.password_changed_at, NEW.member_role)\n        IS DISTINCT FROM\n        (OLD.role, OLD.party_id, OLD.city_id, OLD.is_active, OLD.password_changed_at, OLD.member_role) THEN\n        NEW.session_epoch := OLD.session_epoch + 1;\n        UPDATE parties_token SET revoked_at = GREATEST(now(), created_at)\n            WHERE person_id = NEW.id AND revoked_at IS NULL;\n    END IF;\n    IF OLD.role = 'operator' AND OLD.is_active AND NOT (NEW.role = 'operator' AND NEW.is_active) THEN\n        PERFORM pg_advisory_xact_lock(hashtext('parties_person operators'));\n        IF NOT EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.role = 'operator' AND p.is_active AND NOT p.machine AND p.id <> NEW.id\n        ) THEN\n            RAISE EXCEPTION 'the last operator stays'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'last_operator_stays';\n        END IF;\n    END IF;\n    IF OLD.member_role = 'owner' AND OLD.is_active AND NOT OLD.machine\n        AND NOT (NEW.member_role = 'owner' AND NEW.is_active AND NEW.party_id IS NOT DISTINCT FROM OLD.party_id) THEN\n        PERFORM pg_advisory_xact_lock(hashtext('parties_person owners'), OLD.party_id::int);\n        IF NOT EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.party_id = OLD.party_id AND p.member_role = 'owner' AND p.is_active AND NOT p.machine\n              AND p.id <> OLD.id\n        ) AND (NEW.is_active AND NEW.party_id IS NOT DISTINCT FROM OLD.party_id OR EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.party_id = OLD.party_id AND p.role = 'user' AND p.is_active AND NOT p.machine AND p.id <> OLD.id\n        )) THEN\n            RAISE EXCEPTION 'the last owner stays'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'last_owner_stays';\n        END IF;\n    END IF;\n    RETURN NEW;\n", hash='eb9bfda174e201be2763e332042ea81c9dde34c8', operation='UPDATE', pgid='pgtrigger_person_changes_end_access_844f9', table='parties_person', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='token',
            trigger=pgtrigger.compiler.Trigger(name='token_begins', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    PERFORM 1 FROM parties_person p WHERE p.id = NEW.person_id AND p.is_active FOR SHARE;\n    IF NOT FOUND THEN\n        RAISE EXCEPTION 'no token for who is disabled'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'token_of_who_is_active';\n    END IF;\n    IF NEW.project_id IS NOT NULL AND NOT EXISTS (\n        SELECT 1 FROM parties_project j JOIN parties_person p ON p.party_id = j.party_id\n        WHERE j.id = NEW.project_id AND p.id = NEW.person_id\n    ) THEN\n        RAISE EXCEPTION 'a token is of a project of its person''s firm'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'token_project_is_the_firms';\n    END IF;\n    RETURN NEW;\n", hash='1670f0071773cbed71a0b9c2c4a9c7d855ca5296', operation='INSERT', pgid='pgtrigger_token_begins_92101', table='parties_token', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='token',
            trigger=pgtrigger.compiler.Trigger(name='token_only_ends', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF (NEW.digest, NEW.person_id, NEW.scope, NEW.created_at, NEW.label, NEW.project_id)\n        IS DISTINCT FROM (OLD.digest, OLD.person_id, OLD.scope, OLD.created_at, OLD.label, OLD.project_id)\n        OR NEW.expires_at > OLD.expires_at\n        OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) THEN\n        RAISE EXCEPTION 'a token only ends' USING ERRCODE = 'check_violation', CONSTRAINT = 'token_only_ends';\n    END IF;\n    RETURN NEW;\n", hash='e4792f9ed6a76df73d8e8925084aa8e51dbb1058', operation='UPDATE', pgid='pgtrigger_token_only_ends_e75c6', table='parties_token', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('member_role__in', ['owner', 'submitter', 'viewer']), ('role', 'user')), models.Q(models.Q(('role', 'user'), _negated=True), ('member_role', '')), _connector='OR'), name='user_has_a_member_role'),
        ),
        migrations.AddConstraint(
            model_name='personevent',
            constraint=models.CheckConstraint(condition=models.Q(('what__in', ['added', 'disabled', 'enabled', 'password', 'moved', 'token_made', 'token_revoked', 'factor_set', 'factor_codes', 'factor_reset', 'recovery_used', 'bound', 'unbound', 'invited', 'uninvited', 'signed_in', 'signed_out']), models.Q(('actor', ''), _negated=True)), name='person_event_says_what_and_by_whom'),
        ),
        migrations.AddField(
            model_name='memberinvitation',
            name='invited_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='memberinvitation',
            name='party',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='parties.party'),
        ),
        migrations.AddField(
            model_name='memberinvitation',
            name='used_by',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invitation', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='project',
            name='party',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='parties.party'),
        ),
        migrations.AddField(
            model_name='token',
            name='project',
            field=models.ForeignKey(blank=True, help_text='only jobs of this project; empty: whatever its person may do', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to='parties.project'),
        ),
        migrations.AddConstraint(
            model_name='memberinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('member_role__in', ['owner', 'submitter', 'viewer'])), name='invitation_role_is_known'),
        ),
        migrations.AddConstraint(
            model_name='memberinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('invited_at')), ('expires_at__lte', django.db.models.expressions.CombinedExpression(models.F('invited_at'), '+', models.Value(datetime.timedelta(days=30))))), name='invitation_ends_within_a_month'),
        ),
        migrations.AddConstraint(
            model_name='memberinvitation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('used_at__isnull', True), ('used_by__isnull', True)), models.Q(('revoked_at__isnull', True), ('used_at__isnull', False), ('used_by__isnull', False)), _connector='OR'), name='invitation_is_used_or_revoked'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='memberinvitation',
            trigger=pgtrigger.compiler.Trigger(name='invitations_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='b6e1d8992dab0c22835508846d591b65a89b79d4', operation='DELETE', pgid='pgtrigger_invitations_stay_85cf6', table='parties_memberinvitation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='memberinvitation',
            trigger=pgtrigger.compiler.Trigger(name='invitations_only_end', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."digest" IS DISTINCT FROM (NEW."digest") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."invited_at" IS DISTINCT FROM (NEW."invited_at") OR OLD."invited_by_id" IS DISTINCT FROM (NEW."invited_by_id") OR OLD."member_role" IS DISTINCT FROM (NEW."member_role") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."party_id" IS DISTINCT FROM (NEW."party_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='e0b91333201b96cb05027642b949d66dc00fc060', operation='UPDATE', pgid='pgtrigger_invitations_only_end_7c59d', table='parties_memberinvitation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='memberinvitation',
            trigger=pgtrigger.compiler.Trigger(name='invitations_end_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."used_at" IS NOT NULL OR OLD."revoked_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='7aba0910d72a96d57156751fb81ee335c2d563b6', operation='UPDATE', pgid='pgtrigger_invitations_end_once_f638e', table='parties_memberinvitation', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.UniqueConstraint(fields=('party', 'code'), name='project_once'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('code__regex', '^[a-z0-9][a-z0-9-]{0,39}$')), name='project_code_has_its_form'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='project_has_a_name'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('code', 'default'), _negated=True), ('closed_at__isnull', True), _connector='OR'), name='default_project_stays_open'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='project',
            trigger=pgtrigger.compiler.Trigger(name='projects_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='bb65be6da1cf2eef1b9109e0b7afe54ef7de7372', operation='DELETE', pgid='pgtrigger_projects_stay_3d5e1', table='parties_project', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='project',
            trigger=pgtrigger.compiler.Trigger(name='projects_keep_their_code', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."party_id" IS DISTINCT FROM (NEW."party_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='904cc97de45f9b3abbbf43c3932bd63bb0c47617', operation='UPDATE', pgid='pgtrigger_projects_keep_their_code_7870b', table='parties_project', when='BEFORE')),
        ),
    ]
