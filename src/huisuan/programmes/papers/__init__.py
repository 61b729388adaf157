"""Official documents of what is on record: a notice, a return for correction, a decision, as letters to be issued."""
