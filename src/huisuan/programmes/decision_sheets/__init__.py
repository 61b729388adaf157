"""The decision sheet of a call on record: computed from scores and the law, frozen, taken by the steps that follow.

Below the workflow, whose conditions, effects and amounts ask here.
"""
