"""What the list is searched by is made by the database itself: a tsvector of single characters and pairs."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

#: a lexeme is one character or two that stand together
GRAMS = """
CREATE FUNCTION opendata_grams(line text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(coalesce(array_agg(DISTINCT gram), '{}'))
    FROM (
        SELECT sign AS gram FROM string_to_table(line, NULL) AS single (sign)
        UNION ALL
        SELECT sign || lead(sign) OVER (ORDER BY place)
        FROM string_to_table(line, NULL) WITH ORDINALITY AS pair (sign, place)
    ) AS grams
    WHERE gram IS NOT NULL
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('opendata', '0008_corpora'),
    ]

    operations = [
        migrations.RunSQL(GRAMS, "DROP FUNCTION opendata_grams(text)"),
        migrations.RemoveIndex(
            model_name='catalogueentry',
            name='catalogue_is_searched_by',
        ),
        migrations.RemoveField(
            model_name='catalogueentry',
            name='grams',
        ),
        migrations.AddField(
            model_name='catalogueentry',
            name='grams',
            field=models.GeneratedField(db_persist=True, expression=models.Func(models.F('searched'), function='opendata_grams'), help_text='what it is searched by', output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='catalogueentry',
            index=django.contrib.postgres.indexes.GinIndex(fields=['grams'], name='catalogue_is_searched_by'),
        ),
    ]
