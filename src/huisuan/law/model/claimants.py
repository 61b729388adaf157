"""The kinds of claimant: the first question of the calculator, the same in every policy."""

from __future__ import annotations

#: what a fact is about that holds of the claimant, whatever it claims (`FactSpec.about`)
THE_CLAIMANT = "claimant"

#: name -> Chinese, English
CLAIMANT_KINDS: dict[str, tuple[str, str]] = {
    "enterprise": ("企业", "an enterprise"),
    "university": ("高校", "a university"),
    "institute": ("科研院所", "a research institute"),
    "centre": ("智算中心的建设、运营主体", "whoever builds or runs a compute centre"),
    "team": ("人才团队、创业者", "a team of specialists or founders"),
    "person": ("个人（专业技术人才）", "a person (a specialist)"),
    "park": ("产业园区", "an industrial park"),
    "platform": ("市县国资平台", "a state-owned platform of a city or county"),
    "city": ("市、县人民政府", "the government of a city or county"),
}
