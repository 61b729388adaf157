"""People sign in with a second factor, everything done to them is written down; tokens get owner, scope and end."""

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
        ('parties', '0003_relations_wait_for_each_other'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdentityLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=300)),
                ('subject', models.CharField(max_length=255)),
                ('bound_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='KnownPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.CharField(max_length=80)),
                ('last_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='PersonEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('actor', models.CharField(help_text='a username, or the system user of a command on this machine', max_length=120)),
                ('what', models.CharField(choices=[('added', '新增'), ('disabled', '停用'), ('enabled', '启用'), ('password', '改口令'), ('moved', '调动'), ('token_made', '新建令牌'), ('token_revoked', '吊销令牌'), ('factor_set', '登记两步验证'), ('factor_codes', '换恢复码'), ('factor_reset', '清除两步验证'), ('recovery_used', '用了恢复码'), ('bound', '绑定统一身份'), ('unbound', '解除统一身份'), ('signed_in', '登录'), ('signed_out', '退出所有登录')], max_length=20)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('address', models.CharField(blank=True, max_length=45)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SecondFactor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sealed_secret', models.TextField()),
                ('enrolled_at', models.DateTimeField()),
                ('last_step', models.BigIntegerField(default=0, help_text='the newest 30-second step whose code was used')),
            ],
        ),
        migrations.CreateModel(
            name='SignInTry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('door', models.CharField(choices=[('password', '口令'), ('code', '验证码'), ('token', '令牌')], max_length=10)),
                ('name', models.CharField(max_length=64)),
                ('place', models.CharField(help_text='the device, else the address', max_length=80)),
                ('address', models.CharField(max_length=45)),
                ('known', models.BooleanField(help_text='this name came in from this place before')),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='person',
            name='person_role_has_its_place',
        ),
        migrations.AddField(
            model_name='person',
            name='email',
            field=models.EmailField(blank=True, default='', help_text='set by an operator; binds the first OIDC sign-in', max_length=254),
        ),
        migrations.AddField(
            model_name='person',
            name='machine',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='person',
            name='must_change_password',
            field=models.BooleanField(default=False, help_text='somebody else knows it'),
        ),
        migrations.AddField(
            model_name='person',
            name='password_changed_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddField(
            model_name='person',
            name='session_epoch',
            field=models.PositiveIntegerField(default=0, help_text='sessions of an earlier epoch are over'),
        ),
        migrations.AddField(
            model_name='token',
            name='expires_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='token',
            name='last_used_at',
            field=models.DateTimeField(blank=True, help_text='to the minute', null=True),
        ),
        migrations.AddField(
            model_name='token',
            name='person',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='token',
            name='scope',
            field=models.CharField(choices=[('read', '只读'), ('submit', '提交作业'), ('manage', '全部')], default='submit', max_length=10),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='person',
            name='role',
            field=models.CharField(choices=[('user', '算力使用方'), ('centre', '智算中心'), ('city', '市'), ('province', '省专班'), ('auditor', '审计'), ('operator', '平台管理员')], max_length=10),
        ),
        migrations.AlterField(
            model_name='token',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='person',
            trigger=pgtrigger.compiler.Trigger(name='person_changes_end_access', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF (NEW.role, NEW.party_id, NEW.city_id, NEW.is_active, NEW.password_changed_at)\n        IS DISTINCT FROM (OLD.role, OLD.party_id, OLD.city_id, OLD.is_active, OLD.password_changed_at) THEN\n        NEW.session_epoch := OLD.session_epoch + 1;\n        UPDATE parties_token SET revoked_at = GREATEST(now(), created_at)\n            WHERE person_id = NEW.id AND revoked_at IS NULL;\n    END IF;\n    IF OLD.role = 'operator' AND OLD.is_active AND NOT (NEW.role = 'operator' AND NEW.is_active) THEN\n        PERFORM pg_advisory_xact_lock(hashtext('parties_person operators'));\n        IF NOT EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.role = 'operator' AND p.is_active AND NOT p.machine AND p.id <> NEW.id\n        ) THEN\n            RAISE EXCEPTION 'the last operator stays'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'last_operator_stays';\n        END IF;\n    END IF;\n    RETURN NEW;\n", hash='140e2294a7371166956e171c02f757b43a36eaa8', operation='UPDATE', pgid='pgtrigger_person_changes_end_access_844f9', table='parties_person', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='person',
            trigger=pgtrigger.compiler.Trigger(name='people_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='5d91720cbea2cefbcd0f3e47681186c4ca027511', operation='DELETE', pgid='pgtrigger_people_stay_85b78', table='parties_person', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('city__isnull', True), ('party__isnull', False), ('role__in', ['user', 'centre'])), models.Q(('city__isnull', False), ('party__isnull', True), ('role', 'city')), models.Q(('city__isnull', True), ('party__isnull', True), ('role__in', ['province', 'auditor', 'operator'])), _connector='OR'), name='person_role_has_its_place'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.CheckConstraint(condition=models.Q(('machine', False), ('password__startswith', '!'), _connector='OR'), name='machine_has_no_password'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.UniqueConstraint(condition=models.Q(('email', ''), _negated=True), fields=('email',), name='one_person_an_email'),
        ),
        migrations.AddField(
            model_name='identitylink',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='knownplace',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='known_places', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='personevent',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='recoverycode',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recovery_codes', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='secondfactor',
            name='person',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='second_factor', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='signintry',
            index=models.Index(fields=['door', 'name', 'at'], name='try_by_name'),
        ),
        migrations.AddIndex(
            model_name='signintry',
            index=models.Index(fields=['door', 'address', 'at'], name='try_by_address'),
        ),
        migrations.AddConstraint(
            model_name='identitylink',
            constraint=models.UniqueConstraint(fields=('issuer', 'subject'), name='one_person_a_subject'),
        ),
        migrations.AddConstraint(
            model_name='identitylink',
            constraint=models.UniqueConstraint(fields=('issuer', 'person'), name='one_subject_a_person'),
        ),
        migrations.AddConstraint(
            model_name='identitylink',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('subject', ''), _negated=True), models.Q(('issuer', ''), _negated=True)), name='identity_has_a_subject'),
        ),
        migrations.AddConstraint(
            model_name='knownplace',
            constraint=models.UniqueConstraint(fields=('person', 'place'), name='one_place_a_person'),
        ),
        migrations.AddConstraint(
            model_name='personevent',
            constraint=models.CheckConstraint(condition=models.Q(('what__in', ['added', 'disabled', 'enabled', 'password', 'moved', 'token_made', 'token_revoked', 'factor_set', 'factor_codes', 'factor_reset', 'recovery_used', 'bound', 'unbound', 'signed_in', 'signed_out']), models.Q(('actor', ''), _negated=True)), name='person_event_says_what_and_by_whom'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='personevent',
            trigger=pgtrigger.compiler.Trigger(name='person_events_stay', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='572c2cfef7c83f972aca9a2fd12e4e83f360e37b', operation='UPDATE OR DELETE', pgid='pgtrigger_person_events_stay_4ea84', table='parties_personevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='recoverycode',
            constraint=models.UniqueConstraint(fields=('person', 'digest'), name='one_recovery_code_once'),
        ),
    ]
