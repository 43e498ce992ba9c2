"""Turning the second factor on and off: offered, confirmed with a first code, taken away; new backup codes."""

from __future__ import annotations

from api.identity import second_factor
from api.identity.accounts import Account
from api.identity.door import Door
from api.identity.journal import note
from api.identity.principal import Origin
from api.identity.second_factor import Enrolment, Outcome, check_code
from api.identity.signing_in import WrongCode, note_failure, within_limit
from api.refusals import Conflict, NotPermitted


async def offer(door: Door, account: Account) -> Enrolment:
    """A secret to confirm: the one that waits already, else a new one. Raises Conflict when the factor is on."""
    if account.totp_secret is not None and not account.has_totp:
        return second_factor.show_enrolment(door.totp_vault.decrypt(account.totp_secret).decode(), account.username)
    async with door.pool.connection() as connection:
        enrolment = await second_factor.enrol(connection, door.totp_vault, account.user_id, account.username)
    if enrolment is None:
        raise Conflict("second-factor-on", "The second factor is on already; turn it off first.")
    return enrolment


async def confirm_offer(door: Door, origin: Origin, account: Account, code: str) -> list[str]:
    """Turn the factor on with a first code; ten backup codes. Raises WrongCode, TooMany or Conflict."""
    await within_limit(door, door.second_step_limit, origin, account.username)
    if account.has_totp or account.totp_secret is None:
        raise Conflict("nothing-to-confirm", "There is no second factor that waits to be confirmed.")
    async with door.pool.connection() as connection, connection.transaction():
        outcome = await check_code(connection, door.totp_vault, account, code)
        codes = await second_factor.confirm(connection, account.user_id) if outcome is Outcome.RIGHT else None
        if codes is not None:
            await note(connection, "second_factor.enabled", origin, account)
    if codes is None:
        await note_failure(door, origin, account, "session.refused", reason="wrong first code")
        raise WrongCode("wrong-code", "That code is not right. Check the clock of your phone, and take the next one.")
    return codes


async def renew_codes(door: Door, origin: Origin, account: Account) -> list[str]:
    """Ten new backup codes in place of the earlier ones. Raises Conflict where there is no second factor."""
    async with door.pool.connection() as connection, connection.transaction():
        if not account.has_totp:
            raise Conflict("second-factor-off", "There is no second factor that backup codes could stand for.")
        codes = await second_factor.renew_backup_codes(connection, account.user_id)
        await note(connection, "second_factor.backup_renewed", origin, account)
    return codes


async def turn_off(door: Door, origin: Origin, account: Account) -> None:
    """Take the factor away. Raises NotPermitted where a role needs one, Conflict where there is none."""
    if account.roles & door.settings.require_totp_roles:
        raise NotPermitted("second-factor-required", "Your role needs a second factor.")
    async with door.pool.connection() as connection, connection.transaction():
        if not await second_factor.disable(connection, account.user_id):
            raise Conflict("second-factor-off", "There is no second factor to turn off.")
        await note(connection, "second_factor.disabled", origin, account)
