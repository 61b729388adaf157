"""Pages of bulletins: the archive for everyone, the desk of the province, the scores down to each criterion."""
