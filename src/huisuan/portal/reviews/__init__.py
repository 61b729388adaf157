"""Review by experts as pages: the bench of an expert, the draw of a call, its decision sheet."""
