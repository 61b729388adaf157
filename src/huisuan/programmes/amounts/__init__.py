"""What an application is worth where nobody types it: one table, on which notices and decisions rest."""
