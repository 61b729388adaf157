"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig


class Programmes(AppConfig):
    """Drafts of applications and their evidence."""

    name = "huisuan.programmes"

    def ready(self) -> None:
        """What relations that are entered late say of past acts is looked at as they are entered."""
        from huisuan.parties.relation_import import relations_entered
        from huisuan.programmes.flags.late_ties import look_back_at_relations

        relations_entered.connect(look_back_at_relations, dispatch_uid="huisuan.programmes.late_ties")
