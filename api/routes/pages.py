"""The few pages IMS serves without Streamlit: sign in, sign out, and a message when something is away."""

from __future__ import annotations

import secrets
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

FORGOTTEN = '<a href="/forgot-password">Forgotten your password?</a>'
FIRST_TIME = """The first password was printed by the terminal that started IMS. Forgotten? Your
administrator resets it."""


def sign_in_page(
    next_path: str, username: str = "", fault: str | None = None, status: int = 200, *, sends_mail: bool = False
) -> HTMLResponse:
    """The sign-in form, with what went wrong the last time; where mail is sent, a forgotten password is one's own."""
    focus = ("", " autofocus") if username else (" autofocus", "")
    body = f"""<p>Sales, forecasts and orders of your chain.</p>
{alert(fault)}<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{escape(next_path)}">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required
 maxlength="200" value="{escape(username)}"{focus[0]}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="1024"{focus[1]}>
<button type="submit">Sign in</button>
</form>
<small>{FORGOTTEN if sends_mail else FIRST_TIME}</small>"""
    return page("Sign in", body, status)


def forgotten_page(fault: str | None = None, status: int = 200) -> HTMLResponse:
    """Asks whose password was forgotten."""
    body = f"""<p>IMS sends a link to the mail address of your account; with it you set a new password.</p>
{alert(fault)}<form method="post" action="/forgot-password">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required
 maxlength="200" autofocus>
<button type="submit">Send the link</button>
</form>
<small><a href="/sign-in">Back to signing in</a></small>"""
    return page("Forgotten password", body, status)


def sign_out_page(username: str) -> HTMLResponse:
    """Asks before ending the session: a link alone must not sign anyone out."""
    return page(
        "Sign out?",
        f"<p>You are signed in as {escape(username)}.</p>"
        '<form method="post" action="/sign-out"><button type="submit">Sign out</button></form>'
        '<small><a href="/">Back to the dashboards</a> · <a href="/account">Your account</a></small>',
    )


def message_page(
    status: int, title: str, text: str, refresh_seconds: int | None = None, *, onward: tuple[str, str] | None = None
) -> HTMLResponse:
    """One message that says what is wrong and what to do; `onward` is the address and name of where to go next."""
    link = f'\n<a class="button" href="{escape(onward[0])}">{escape(onward[1])}</a>' if onward else ""
    return page(title, f'<p role="status">{escape(text)}</p>{link}', status, refresh_seconds)


def unavailable_page() -> HTMLResponse:
    """PostgreSQL is away, and nothing on these pages works without it."""
    return message_page(
        503,
        "The database does not answer",
        "IMS cannot reach its PostgreSQL, so nobody can sign in or change an account now. Try again soon.",
    )


def alert(fault: str | None) -> str:
    """What went wrong, as markup that is read out at once; empty when nothing did."""
    return f'<div class="fault" role="alert">{escape(fault)}</div>' if fault else ""


def page(
    title: str, body: str, status: int = 200, refresh_seconds: int | None = None, *, is_wide: bool = False
) -> HTMLResponse:
    """A page of this look; `body` is markup whose values are escaped already. Never kept by a browser."""
    nonce = secrets.token_urlsafe(16)
    refresh = f'<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    width = ' class="wide"' if is_wide else ""
    html = _template().substitute(title=escape(title), body=body, nonce=nonce, refresh=refresh, width=width)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


@lru_cache(maxsize=1)
def _template() -> Template:
    return Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
