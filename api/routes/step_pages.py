"""Pages of one step each: the code of the second factor, setting one up, a new password, backup codes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

from api.identity.password_rules import SHORTEST
from api.identity.second_factor import Enrolment
from api.routes.pages import alert, page


def code_page(step: str, next_path: str, fault: str | None = None, status: int = 200) -> HTMLResponse:
    """Asks for the code of the second factor."""
    body = f"""<p>Open your authenticator app, or take one of your backup codes.</p>
{alert(fault)}<form method="post" action="/sign-in">
{_hidden(step=step, next=next_path)}
<label for="code">Code</label>
<input id="code" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required
 maxlength="64" autofocus>
<button type="submit">Sign in</button>
</form>"""
    return page("Enter the code", body, status)


def enrol_page(
    enrolment: Enrolment, action: str, hidden: dict[str, str], fault: str | None = None, status: int = 200
) -> HTMLResponse:
    """Shows a new secret as QR code and text, and asks for its first code."""
    body = f"""<p>Scan this with an authenticator app, then type the code it shows.</p>
{alert(fault)}<div class="qr">{enrolment.qr_svg}</div>
<p>Or type this key:<br>{_key(enrolment.secret)}</p>
<form method="post" action="{escape(action)}">
{_hidden(**hidden)}
<label for="code">Code</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="64" autofocus>
<button type="submit">Turn on</button>
</form>"""
    return page("Set up the second factor", body, status)


def new_password_page(
    action: str, carrier: str, carried: str, fault: str | None = None, status: int = 200, next_path: str = "/"
) -> HTMLResponse:
    """Asks for a new password; the field named `carrier` carries the token that allows it."""
    body = f"""<p>At least {SHORTEST} characters, and not your user name.</p>
{alert(fault)}<form method="post" action="{escape(action)}">
{_hidden(**{carrier: carried, "next": next_path})}
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="{SHORTEST}"
 maxlength="1024" autofocus>
<label for="again">New password, once more</label>
<input id="again" name="again" type="password" autocomplete="new-password" required minlength="{SHORTEST}"
 maxlength="1024">
<button type="submit">Set password</button>
</form>"""
    return page("Choose a new password", body, status)


def backup_codes_page(codes: Sequence[str], next_path: str, *, is_renewed: bool = False) -> HTMLResponse:
    """Shows the backup codes, this once."""
    items = "".join(f"<li><code>{escape(code)}</code></li>" for code in codes)
    what = "Your earlier codes are void" if is_renewed else "The second factor is on"
    body = f"""<p>{what}. Keep these codes where your phone is not: each opens your account once when
the phone is lost. They are not shown again.</p>
<ol class="codes">{items}</ol>
<a class="button" href="{escape(next_path)}">I have noted them</a>"""
    return page("Your backup codes", body)


def _key(secret: str) -> str:
    """The key in fours, as people type it; copied, it has no spaces."""
    parts = (secret[start : start + 4] for start in range(0, len(secret), 4))
    return f'<code class="key">{"".join(f"<span>{escape(part)}</span>" for part in parts)}</code>'


def _hidden(**fields: str) -> str:
    return "\n".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())
