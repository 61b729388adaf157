"""What all job formats share: the rules of a request, YAML with places, array indices."""
