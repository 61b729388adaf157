"""Open invitations are an active owner's of that firm; a role in the firm that is written is not taken for left out."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


_REVOKE = """
UPDATE parties_memberinvitation i SET revoked_at = GREATEST(now(), i.invited_at)
FROM parties_person p
WHERE p.id = i.invited_by_id AND i.used_at IS NULL AND i.revoked_at IS NULL
  AND NOT (p.is_active AND p.member_role = 'owner' AND p.party_id IS NOT DISTINCT FROM i.party_id)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('parties', '0008_register_history'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='person',
            name='a_user_gets_a_member_role',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='person',
            name='person_changes_end_access',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='memberinvitation',
            trigger=pgtrigger.compiler.Trigger(name='invitation_is_an_owners', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    PERFORM 1 FROM parties_person p\n                        WHERE p.id = NEW.invited_by_id AND p.party_id = NEW.party_id\n                          AND p.member_role = 'owner' AND p.is_active FOR SHARE;\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'only an owner of the firm invites'\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'invitation_is_an_owners';\n                    END IF;\n                    RETURN NEW;\n                ", hash='09037e862376517f6f954dcccf09ad0a0ab5f942', operation='INSERT', pgid='pgtrigger_invitation_is_an_owners_eb3bc', table='parties_memberinvitation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='person',
            trigger=pgtrigger.compiler.Trigger(name='a_user_gets_a_member_role', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF NEW.role <> 'user' THEN\n        NEW.member_role := '';\n    ELSIF NEW.member_role = '' THEN\n        IF NEW.machine OR EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.party_id = NEW.party_id AND p.member_role = 'owner' AND p.is_active AND NOT p.machine\n              AND p.id IS DISTINCT FROM NEW.id\n        ) THEN\n            NEW.member_role := 'submitter';\n        ELSE\n            NEW.member_role := 'owner';\n        END IF;\n    END IF;\n    RETURN NEW;\n", hash='e00c6878b55976c5db1c59bb02f80e851f9df671', operation='INSERT OR UPDATE', pgid='pgtrigger_a_user_gets_a_member_role_f03aa', table='parties_person', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='person',
            trigger=pgtrigger.compiler.Trigger(name='person_changes_end_access', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF (NEW.role, NEW.party_id, NEW.city_id, NEW.is_active, NEW.password_changed_at, NEW.member_role)\n        IS DISTINCT FROM\n        (OLD.role, OLD.party_id, OLD.city_id, OLD.is_active, OLD.password_changed_at, OLD.member_role) THEN\n        NEW.session_epoch := OLD.session_epoch + 1;\n        UPDATE parties_token SET revoked_at = GREATEST(now(), created_at)\n            WHERE person_id = NEW.id AND revoked_at IS NULL;\n        UPDATE parties_memberinvitation SET revoked_at = GREATEST(now(), invited_at)\n            WHERE invited_by_id = NEW.id AND used_at IS NULL AND revoked_at IS NULL\n              AND NOT (NEW.is_active AND NEW.member_role = 'owner' AND party_id = NEW.party_id);\n    END IF;\n    IF OLD.role = 'operator' AND OLD.is_active AND NOT (NEW.role = 'operator' AND NEW.is_active) THEN\n        PERFORM pg_advisory_xact_lock(hashtext('parties_person operators'));\n        IF NOT EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.role = 'operator' AND p.is_active AND NOT p.machine AND p.id <> NEW.id\n        ) THEN\n            RAISE EXCEPTION 'the last operator stays'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'last_operator_stays';\n        END IF;\n    END IF;\n    IF OLD.member_role = 'owner' AND OLD.is_active AND NOT OLD.machine\n        AND NOT (NEW.member_role = 'owner' AND NEW.is_active AND NEW.party_id IS NOT DISTINCT FROM OLD.party_id) THEN\n        PERFORM pg_advisory_xact_lock(hashtext('parties_person owners'), OLD.party_id::int);\n        IF NOT EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.party_id = OLD.party_id AND p.member_role = 'owner' AND p.is_active AND NOT p.machine\n              AND p.id <> OLD.id\n        ) AND (NEW.is_active AND NEW.party_id IS NOT DISTINCT FROM OLD.party_id OR EXISTS (\n            SELECT 1 FROM parties_person p\n            WHERE p.party_id = OLD.party_id AND p.role = 'user' AND p.is_active AND NOT p.machine AND p.id <> OLD.id\n        )) THEN\n            RAISE EXCEPTION 'the last owner stays'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'last_owner_stays';\n        END IF;\n    END IF;\n    RETURN NEW;\n", hash='776d0668c8d53daedc193b23462ffe04cff94a9d', operation='UPDATE', pgid='pgtrigger_person_changes_end_access_844f9', table='parties_person', when='BEFORE')),
        ),
        migrations.RunSQL(_REVOKE, migrations.RunSQL.noop),
    ]
