"""`huisuan session`: sessions from the command line, over HTTP."""
