"""附则 (supplementary part): what bears on several articles. 0.2 raises awards for projects in northern Anhui."""

from __future__ import annotations

from huisuan.law import Choice, Money, interpretation, regions_setting, share_setting, when, whole

#: the 16 cities of Anhui by their GB/T 2260 codes
CITIES = {
    "340100": ("合肥市", "Hefei"), "340200": ("芜湖市", "Wuhu"), "340300": ("蚌埠市", "Bengbu"),
    "340400": ("淮南市", "Huainan"), "340500": ("马鞍山市", "Ma'anshan"), "340600": ("淮北市", "Huaibei"),
    "340700": ("铜陵市", "Tongling"), "340800": ("安庆市", "Anqing"), "341000": ("黄山市", "Huangshan"),
    "341100": ("滁州市", "Chuzhou"), "341200": ("阜阳市", "Fuyang"), "341300": ("宿州市", "Suzhou (Anhui)"),
    "341500": ("六安市", "Lu'an"), "341600": ("亳州市", "Bozhou"), "341700": ("池州市", "Chizhou"),
    "341800": ("宣城市", "Xuancheng"),
}  # fmt: skip

NORTHERN = "对皖北地区符合条件的项目，奖补资金可上浮20%"

north = regions_setting("0.2.north", "皖北地区", "Northern Anhui", sentence="0.2", phrase="皖北地区")
uplift = share_setting("0.2.uplift", "皖北上浮比例", "Northern uplift", sentence="0.2", phrase=NORTHERN, at_most="20%")
uplift_and_cap = interpretation(
    "0.2.cap", "皖北上浮能否突破最高限额", "May the northern uplift exceed the cap?",
    {
        "within": ("上浮后仍不超过最高限额", "the cap applies after the uplift"),
        "beyond": ("先封顶，再上浮", "the uplift applies after the cap"),
    },
    sentence="0.2", phrase="奖补资金可上浮20%",
)  # fmt: skip


def raised_in_the_north(amount: Money, city: Choice) -> Money:
    """The amount, raised by the uplift of the day where the project lies in northern Anhui (0.2)."""
    raised = ((whole() + uplift) * amount).cites("0.2", NORTHERN, "皖北上浮后", "After the northern uplift")
    return when(city.within(north), raised, amount)
