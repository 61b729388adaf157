from django.db import migrations

EACH_CITY = ("相关市人民政府", "有关市人民政府", "所在市人民政府", "各市人民政府")


def give_posts_in_cities(apps, schema_editor):
    """Who has a post for "the governments of the cities" has it in that of the own city; in no city, none."""
    Post, Office, Region = (apps.get_model(app, name) for app, name in (
        ("programmes", "Post"), ("programmes", "Office"), ("parties", "Region"),
    ))
    cities = {city.code: f"{city.name_zh}人民政府" for city in Region.objects.filter(code__startswith="34").exclude(code="340000")}
    held = Post.objects.filter(office__name__in=EACH_CITY, ended_on__isnull=True, person__city__in=list(cities))
    for post in held.select_related("person").order_by("pk"):
        office, _ = Office.objects.get_or_create(name=cities[post.person.city_id])
        Post.objects.create(
            person=post.person, office=office, duty=post.duty, from_day=post.from_day, until_day=post.until_day,
            given_by_id=post.given_by_id, given_at=post.given_at,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('programmes', '0021_findings_and_the_basis_of_credit'),
    ]

    operations = [
        migrations.RunPython(give_posts_in_cities, migrations.RunPython.noop),
    ]
