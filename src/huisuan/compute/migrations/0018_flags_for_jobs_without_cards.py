from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0017_restorations'),
    ]

    operations = [
        migrations.AlterField(
            model_name='meterflag',
            name='kind',
            field=models.CharField(choices=[('no_lease', '没有调度过的作业'), ('other_cards', '卡数与调度不符'), ('over_capacity', '同时使用的卡多于中心所有'), ('clock', '时间与平台时钟不符'), ('form', '格式不对'), ('signature', '签名不对'), ('order', '批次断号或重排'), ('missing', '运行过而没有记录'), ('scheduler', '与调度器的记账不符'), ('forgeable', '可能写在作业名里的行'), ('contradiction', '同一次运行有两种说法'), ('overlap', '同一作业的时间重叠'), ('no_cards', '该有卡而记账里没有卡'), ('correction', '等待确认的更正')], max_length=16),
        ),
    ]
