"""`ims users`: who may sign in."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Who may sign in.", no_args_is_help=True)
ONCE = "It is not shown again; note it now."
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user name.")]


@app.command("add")
def add(
    name: Name,
    role: Annotated[
        list[str],
        typer.Option(help="superadmin, admin, buyer, manager, accountant, analyst or staff; repeat for several."),
    ],
    store: Annotated[list[str] | None, typer.Option(help="Code of a store; repeat. The first is the main one.")] = None,
) -> None:
    """Add a user, and print the password once; it must be changed at the first sign-in."""
    from api.database import open_databases
    from api.identity.users import add_user

    password = add_user(open_databases().operational, name, role, store or [])
    typer.echo(f"{name}'s first password: {password}\n{ONCE}")


@app.command("list")
def list_all() -> None:
    """Show who may sign in, with roles and stores."""
    from api.database import open_databases
    from api.identity.users import list_users

    for name, roles, stores, is_active in list_users(open_databases().operational):
        state = "" if is_active else "  (switched off)"
        typer.echo(f"{name}  {', '.join(roles) or 'no role'}  {' '.join(stores)}{state}".rstrip())


@app.command("reset-password")
def reset(name: Name) -> None:
    """Give a user a new password, print it once, and end their sessions."""
    from api.database import open_databases
    from api.identity.users import reset_password

    password = reset_password(open_databases().operational, name)
    typer.echo(f"{name}'s new password: {password}\n{ONCE}")


@app.command("reset-admin")
def reset_admin() -> None:
    """Give the admin user a new password, print it once, and end the admin's sessions."""
    from api.database import open_databases
    from api.identity.users import reset_admin_password

    password = reset_admin_password(open_databases().operational)
    typer.echo(f"admin's new password: {password}\n{ONCE}")
