"""Documents made anew at the gate: from their scanned lines, with what was judged applied."""
