"""What `/account` looks like: its sections as markup, and how a session is described to its owner."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse

from api.identity.password_rules import SHORTEST
from api.identity.principal import SignedIn
from api.routes.pages import alert, page

Part = Literal["password", "second-factor", "sessions"]
DONE = {
    "password": "Your new password holds. Your other sessions were ended.",
    "second-factor-off": "Your second factor is off.",
    "session": "The session was ended.",
    "sessions": "Your other sessions were ended.",
}
# the first that is found names it: every browser also claims to be others
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS X": "Mac"}
SYSTEMS |= {"CrOS": "ChromeOS", "Linux": "Linux"}


@dataclass(frozen=True)
class Shown:
    """What the page tells; `sessions` as `list_sessions` gives them, `stores` as people name them."""

    user: SignedIn
    password_changed_at: dt.datetime
    has_totp: bool
    codes_left: int
    needs_totp: bool
    sessions: Sequence[dict[str, Any]]
    stores: Sequence[str]
    timezone: str


def account_page(
    shown: Shown, done: str = "", part: Part | None = None, fault: str | None = None, status: int = 200
) -> HTMLResponse:
    """The page; a fault stands in the section it is about, and the keyboard with it."""

    def fault_of(section: Part) -> str | None:
        return fault if section == part else None

    said = f'<p class="done" role="status">{escape(DONE[done])}</p>\n' if done in DONE else ""
    body = f"""{said}{_who(shown)}
{_password(shown, fault_of("password"))}
{_second_factor(shown, fault_of("second-factor"))}
{_sessions(shown, fault_of("sessions"))}
<small><a href="/">Back to the dashboards</a> · <a href="/sign-out">Sign out</a></small>"""
    return page("Your account", body, status, is_wide=True)


def describe_agent(kind: str, agent: str | None) -> str:
    """Where a session lives: "Firefox on Windows", "A program (curl/8.5.0)".

    >>> describe_agent("api", "curl/8.5.0")
    'A program (curl/8.5.0)'
    """
    text = agent or ""
    browser = next((name for mark, name in BROWSERS.items() if mark in text), None)
    if kind == "api" or browser is None:
        what = "A program" if kind == "api" else "A browser"
        first = re.match(r"[\w.-]+(/[\w.-]+)?", text)
        return f"{what} ({first[0]})" if first else what
    system = next((name for mark, name in SYSTEMS.items() if mark in text), None)
    return f"{browser} on {system}" if system else browser


def _who(shown: Shown) -> str:
    is_everywhere = shown.user.grants.scope("store:read") == "all"
    stores = ["Every store"] if is_everywhere else shown.stores or ["None yet: your administrator gives you stores."]
    roles = ", ".join(sorted(role.capitalize() for role in shown.user.roles)) or "None yet"
    extra = ", ".join(sorted(shown.user.permissions))
    more = f"\n<dt>Given beside them</dt><dd>{escape(extra)}</dd>" if extra else ""
    return f"""<dl>
<dt>User name</dt><dd>{escape(shown.user.username)}</dd>
<dt>{"Role" if len(shown.user.roles) == 1 else "Roles"}</dt><dd>{escape(roles)}</dd>{more}
<dt>Stores</dt><dd>{"<br>".join(escape(store) for store in stores)}</dd>
<dt>Signed in until</dt><dd>{_moment(shown.user.expires_at, shown)}</dd>
</dl>"""


def _password(shown: Shown, fault: str | None) -> str:
    return f"""<section id="password" aria-labelledby="password-title">
<h2 id="password-title">Password</h2>
<p>Last changed on {_moment(shown.password_changed_at, shown)}. A new one has at least {SHORTEST} characters and ends
your other sessions.</p>
{alert(fault)}<form method="post" action="/account/password">
{_whose(shown)}
<label for="current">Current password</label>
<input id="current" name="current" type="password" autocomplete="current-password" required
 maxlength="1024"{_focus(fault)}>
<label for="new">New password</label>
<input id="new" name="password" type="password" autocomplete="new-password" required minlength="{SHORTEST}"
 maxlength="1024">
<label for="again">New password, once more</label>
<input id="again" name="again" type="password" autocomplete="new-password" required minlength="{SHORTEST}"
 maxlength="1024">
<button type="submit">Change password</button>
</form>
</section>"""


def _second_factor(shown: Shown, fault: str | None) -> str:
    if shown.has_totp:
        left = "1 backup code is" if shown.codes_left == 1 else f"{shown.codes_left} backup codes are"
        text = f"It is on: signing in asks for a code of your authenticator app. {left} left."
        if shown.needs_totp:
            text += " Your role needs it, so it cannot be turned off."
        off = "" if shown.needs_totp else '<button name="action" value="disable" class="quiet">Turn off</button>'
        buttons = f'<button name="action" value="renew">New backup codes</button>\n{off}'
    else:
        text = "It is off. With it, a password alone opens nothing: signing in also asks for a code of your phone."
        buttons = '<button name="action" value="enrol">Set up</button>'
    return f"""<section id="second-factor" aria-labelledby="second-factor-title">
<h2 id="second-factor-title">Second factor</h2>
<p>{text}</p>
{alert(fault)}<form method="post" action="/account/second-factor">
{_whose(shown)}
<label for="proof">Your password</label>
<input id="proof" name="password" type="password" autocomplete="current-password" required
 maxlength="1024"{_focus(fault)}>
<div class="row">{buttons}</div>
</form>
</section>"""


def _sessions(shown: Shown, fault: str | None) -> str:
    mine = [row for row in shown.sessions if row["session_id"] == shown.user.session_id]
    rest = [row for row in shown.sessions if row["session_id"] != shown.user.session_id]
    items = "\n".join(_session(row, shown) for row in [*mine, *rest])
    text = f"""<ul class="sessions">
{items}
</ul>"""
    if rest:
        others = '\n<button name="session_id" value="others" class="quiet">End all other sessions</button>'
        text = f"""<form method="post" action="/account/sessions">
{_whose(shown)}
<label for="again-to-end">Your password, to end one that is not this one</label>
<input id="again-to-end" name="password" type="password" autocomplete="current-password" required
 maxlength="1024"{_focus(fault)}>
{text}{others if len(rest) > 1 else ""}
</form>"""
    return f"""<section id="sessions" aria-labelledby="sessions-title">
<h2 id="sessions-title">Where you are signed in</h2>
{alert(fault)}{text}
</section>"""


def _session(row: dict[str, Any], shown: Shown) -> str:
    where = escape(describe_agent(row["kind"], row["user_agent"]))
    place = f" from {escape(str(row['address']))}" if row["address"] else ""
    seen = row["last_seen_at"] or row["created_at"]
    if row["session_id"] == shown.user.session_id:
        act = "<strong>This one</strong>"
    else:
        since = f"{row['created_at'].astimezone(ZoneInfo(shown.timezone)):%d %b, %H:%M}"
        act = f"""<button name="session_id" value="{row["session_id"]}" class="quiet"
 aria-label="End the session of {where}, begun {since}">End</button>"""
    return f"""<li><div><b>{where}</b>{place}<br><span>Since {_moment(row["created_at"], shown)}, last used
{_moment(seen, shown)}</span></div>{act}</li>"""


def _moment(at: dt.datetime, shown: Shown) -> str:
    here = at.astimezone(ZoneInfo(shown.timezone))
    return f'<time datetime="{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}">{here.day} {here:%b %Y, %H:%M %Z}</time>'


def _whose(shown: Shown) -> str:
    """For password managers, which ask whose password it is."""
    return f'<input type="text" name="username" value="{escape(shown.user.username)}" autocomplete="username" hidden>'


def _focus(fault: str | None) -> str:
    return " autofocus" if fault else ""
