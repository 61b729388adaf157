"""From usage to what a party is owed for a year, and all the way back.

`runs` bills and settles, `adoption` brings settings into force, `impact` compares a year before and after a proposal.
Rests on the meter (`exports`, `usage`, `seals`), the law and the parties; programmes and pages rest on it.
"""
