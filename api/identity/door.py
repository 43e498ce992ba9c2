"""What the gate and the identity routes share in one web process: sessions, keys, limits. Made once by `create_app`."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from api.identity.breached_passwords import check_file
from api.identity.directory import Directory
from api.identity.journal import Throttle
from api.identity.keys import load_key_ring, load_vault
from api.identity.limits import AttemptLimit, create_storage
from api.identity.passwords import hash_password, verify_password
from api.identity.tokens import AccessTokens
from api.services.connections import Pool
from ims.settings import Settings, get_settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

HASHES_AT_ONCE = 2  # each takes 64 MB and a core


class Door:
    """Everything that decides who comes in."""

    def __init__(self, pool: Pool, url: str, settings: Settings | None = None) -> None:
        self.pool = pool
        self.settings = settings or get_settings()
        check_file(self.settings.breached_passwords_file)
        self.directory = Directory(pool, url)
        self.throttle = Throttle()
        storage = create_storage(self.settings.limits_storage.get_secret_value(), pool)
        self.sign_in_limit = AttemptLimit(storage, "sign-in")
        self.second_step_limit = AttemptLimit(storage, "second-step")
        self.reset_limit = AttemptLimit(storage, "password-reset")
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    @cached_property
    def tokens(self) -> AccessTokens:
        """Access tokens, signed with the installation's key."""
        return AccessTokens(load_key_ring(self.settings), self.settings.access_token_minutes)

    @cached_property
    def totp_vault(self) -> Fernet:
        """Encrypts TOTP secrets at rest."""
        return load_vault(self.settings, "totp secret")

    @cached_property
    def step_vault(self) -> Fernet:
        """Seals what a sign-in form carries from its first step to its second."""
        return load_vault(self.settings, "sign-in step")

    async def is_password(self, password_hash: str | None, password: str) -> bool:
        """`verify_password` in a thread, a few at once: the event loop stays free, memory bounded."""
        async with self._hashing:
            return await asyncio.to_thread(verify_password, password_hash, password)

    async def hash_password(self, password: str) -> str:
        """`hash_password`, likewise."""
        async with self._hashing:
            return await asyncio.to_thread(hash_password, password)
