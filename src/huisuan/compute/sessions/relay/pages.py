"""The few pages of the relay's own: wait, refused, over. Chinese with English below, nothing loaded from anywhere."""

from __future__ import annotations

from html import escape

_STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;line-height:1.7}"
    "p[lang=en]{opacity:.75}"
)
WAIT_SECONDS = 2


def _page_html(title: str, chinese: str, english: str, *, again: bool = False) -> bytes:
    """A page; `again`: the browser asks again after a while."""
    refresh = f'<meta http-equiv="refresh" content="{WAIT_SECONDS}">' if again else ""
    return (
        f'<!doctype html><html lang="zh-Hans"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"{refresh}<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<main><h1>{escape(title)}</h1><p>{escape(chinese)}</p><p lang="en">{escape(english)}</p></main></html>'
    ).encode()


def starting() -> bytes:
    """The tunnel or the program is not there yet, or not any more for a moment."""
    return _page_html(
        "正在连接会话",
        "程序正在启动，或者与中心的连接正在恢复；本页会自动重试。",
        "The program is starting, or the connection to the centre is being restored; this page tries again by itself.",
        again=True,
    )


def not_admitted() -> bytes:
    """No cookie of this session, or not any more."""
    return _page_html(
        "请从惠算进入会话",
        "进入会话的网址一次有效、一分钟内有效。请回到惠算的会话页，再点一次“打开”。",
        "An address into a session is good once, for a minute. Please go back to the sessions page and open it again.",
    )


def over() -> bytes:
    """Its job does not run any more."""
    return _page_html("会话已结束", "这个会话已经结束，请另开一个。", "This session is over. Please start another one.")


def not_found() -> bytes:
    """No session has that name."""
    return _page_html("没有这个地址", "这里是惠算的会话中继。", "This is the relay of interactive sessions.")


def wrong_origin() -> bytes:
    """Another site's page asked."""
    return _page_html("请求被拒绝", "这个请求来自别的网站。", "This request comes from another site.")
