import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inbox', '0002_deliveries_and_preferences'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='made_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
    ]
