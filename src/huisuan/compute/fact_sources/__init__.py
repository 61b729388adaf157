"""Where the facts of a rule come from: the sources that the platform has, keyed by what a policy's facts declare.

A fact says who knows it and what of that source it is (`known_by="meter", measure="spend"`); `registry` has every
measure of every source, `rules` the rules that can be settled from them alone. Settlement, net prices and pages all
ask here, so nothing outside a policy's folder knows a fact by its name. Used by compute/dispatch and rooms above.
"""
