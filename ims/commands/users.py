"""`ims users`: who may sign in."""

from __future__ import annotations

import typer

app = typer.Typer(help="Who may sign in.", no_args_is_help=True)


@app.command("reset-admin")
def reset_admin() -> None:
    """Give the admin user a new password, print it once, and end the admin's sessions."""
    from api.database import open_databases
    from api.identity.users import reset_admin_password

    password = reset_admin_password(open_databases().operational)
    typer.echo(f"admin's new password: {password}\nIt is not shown again; note it now.")
