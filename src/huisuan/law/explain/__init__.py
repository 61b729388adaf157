"""Reading one claim: decided, explained in prose, with what is missing and what would change the answer."""
