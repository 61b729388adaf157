from django.db import migrations, models

# runs of before get the sum of what their entitlements pay; the rows are otherwise never changed
_FILL = """
ALTER TABLE settlement_settlementrun DISABLE TRIGGER USER;
UPDATE settlement_settlementrun r SET payable_fen = (
    SELECT coalesce(sum(coalesce(e.payable_fen, e.amount_fen)), 0) FROM settlement_entitlement e WHERE e.run_id = r.id
);
ALTER TABLE settlement_settlementrun ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0010_settled_by_any_rule")]

    operations = [
        migrations.AddField(
            model_name="settlementrun", name="payable_fen", field=models.BigIntegerField(null=True)
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="settlementrun",
            name="payable_fen",
            field=models.BigIntegerField(help_text="what of it may be paid beside the rules that pay before it"),
        ),
        migrations.AlterField(
            model_name="settlementrun",
            name="amount_fen",
            field=models.BigIntegerField(help_text="what the rule owes all parties by itself"),
        ),
        migrations.AddConstraint(
            model_name="settlementrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("payable_fen__gte", 0), ("payable_fen__lte", models.F("amount_fen"))),
                name="run_pays_no_more_than_it_owes",
            ),
        ),
    ]
