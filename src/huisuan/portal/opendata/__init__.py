"""The list of the government's open data, for everyone: searched, narrowed, exported; each entry with its versions."""
