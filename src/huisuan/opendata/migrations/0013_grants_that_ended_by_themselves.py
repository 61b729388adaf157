"""Migration: a grant whose ground ended by itself is revoked by nobody."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ('opendata', '0012_scans_name_their_model'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='datagrant',
            name='revoked_by',
            field=models.ForeignKey(help_text='none where its ground ended by itself', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RemoveConstraint(model_name='datagrant', name='data_grant_revoked_with_a_reason'),
        migrations.AddConstraint(
            model_name='datagrant',
            constraint=models.CheckConstraint(
                condition=Q(('reason', ''), ('revoked_at__isnull', True), ('revoked_by__isnull', True))
                | Q(('reason__regex', '\\S'), ('revoked_at__isnull', False)),
                name='data_grant_revoked_with_a_reason',
            ),
        ),
    ]
