"""The few pages IMS serves without Streamlit: sign in, sign out, and a message when something is away."""

from __future__ import annotations

import secrets
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse


def sign_in_page(next_path: str, username: str = "", fault: str | None = None, status: int = 200) -> HTMLResponse:
    """The sign-in form, with what went wrong the last time."""
    alert = f'<div class="fault" role="alert">{escape(fault)}</div>' if fault else ""
    focus = ("", " autofocus") if username else (" autofocus", "")
    body = f"""<p>Sales, forecasts and orders of your chain.</p>
{alert}<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{escape(next_path)}">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required
 maxlength="200" value="{escape(username)}"{focus[0]}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="1024"{focus[1]}>
<button type="submit">Sign in</button>
</form>
<small>The first password was printed by the terminal that started IMS. Forgotten? Your
administrator resets it.</small>"""
    return page("Sign in", body, status)


def sign_out_page(username: str) -> HTMLResponse:
    """Asks before ending the session: a link alone must not sign anyone out."""
    return page(
        "Sign out?",
        f"<p>You are signed in as {escape(username)}.</p>"
        '<form method="post" action="/sign-out"><button type="submit">Sign out</button></form>'
        '<small><a href="/">Back to the dashboards</a> · <a href="/second-factor">Second factor</a></small>',
    )


def message_page(status: int, title: str, text: str, refresh_seconds: int | None = None) -> HTMLResponse:
    """One message that says what is wrong and what to do."""
    return page(title, f'<p role="status">{escape(text)}</p>', status, refresh_seconds)


def page(title: str, body: str, status: int = 200, refresh_seconds: int | None = None) -> HTMLResponse:
    """A page of this look; `body` is markup whose values are escaped already. Never kept by a browser."""
    nonce = secrets.token_urlsafe(16)
    refresh = f'<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    html = _template().substitute(title=escape(title), body=body, nonce=nonce, refresh=refresh)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


@lru_cache(maxsize=1)
def _template() -> Template:
    return Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
