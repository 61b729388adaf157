"""The list and its released files under CKAN's action API (2.11), so that CKAN's clients work unchanged."""
