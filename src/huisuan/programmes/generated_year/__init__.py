"""A whole year of invented programmes, made from a seed through the services that people use, some of it wrong.

For trying the platform at the size of a province and for showing it: nothing here writes a table of its own. Texts are
varied from the worked cases of the policy; whoever acts is an invented person with a post.
"""
