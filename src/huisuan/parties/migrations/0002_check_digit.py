"""The check digit of GB 32100-2015, kept by the database itself: sum of value x 3^i mod 31, i from 0."""

from django.db import migrations

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
SUM = " + ".join(
    f"(strpos('{ALPHABET}', substr(uscc, {place + 1}, 1)) - 1) * {pow(3, place, 31)}" for place in range(17)
)
CHECK = f"(31 - ({SUM}) % 31) % 31 = strpos('{ALPHABET}', substr(uscc, 18, 1)) - 1"


class Migration(migrations.Migration):
    dependencies = [("parties", "0001_initial")]
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE parties_party ADD CONSTRAINT party_uscc_check_digit CHECK ({CHECK})",
            "ALTER TABLE parties_party DROP CONSTRAINT party_uscc_check_digit",
        )
    ]
