"""Expert review for those who act and look: draws of calls, meetings of panels, what may be seen, commands and API.

Above the workflow: who may act by a post, and who may see an application, is asked there.
"""
