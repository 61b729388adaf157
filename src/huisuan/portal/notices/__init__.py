"""Public notices with their objection forms, for anybody; the publicity desk of the offices that publish."""
