"""What a card is called: the catalogue, names in job files, Slurm's TRES, parts of cards."""
