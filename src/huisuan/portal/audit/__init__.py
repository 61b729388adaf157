"""What an auditor does on pages: a sample drawn from the sealed meter, with its proofs."""
