"""The register of parties on pages: the list, one with its relations and its history, entering, changing, importing."""
