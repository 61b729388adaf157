"""Facts that are stated beside what the platform sees: a kind of check, and a flag where the two differ."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('programmes', '0029_contested_objects_consents'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='applicationcheck',
            name='check_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='applicationflag',
            name='flag_is_known',
        ),
        migrations.AlterField(
            model_name='applicationcheck',
            name='kind',
            field=models.CharField(choices=[('law', '政策条件'), ('stacking', '与其他补助的叠加'), ('objects', '申报对象'), ('relations', '关联关系'), ('credit', '信用名单'), ('debts', '未还款项'), ('performance', '既往项目评价'), ('beside', '填报与平台所见')], max_length=12),
        ),
        migrations.AlterField(
            model_name='applicationflag',
            name='kind',
            field=models.CharField(choices=[('same_object', '同一申报对象另有申报'), ('same_evidence', '佐证材料相同'), ('same_account', '收款账户相同'), ('same_contact', '联系人相同'), ('control_path', '两家申报单位有控制关系'), ('late_relation', '事后登记的关系使已办的步骤应回避'), ('fact_differs', '填报与平台所见不同'), ('struck_evidence', '佐证材料的出具机构已失去资格')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='applicationcheck',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['law', 'stacking', 'objects', 'relations', 'credit', 'debts', 'performance', 'beside'])), name='check_is_known'),
        ),
        migrations.AddConstraint(
            model_name='applicationflag',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['same_object', 'same_evidence', 'same_account', 'same_contact', 'control_path', 'late_relation', 'fact_differs', 'struck_evidence'])), name='flag_is_known'),
        ),
    ]
