"""What is said and done on the page of an application besides its steps: consents, opinions, issuers, its move."""
