"""The keys of this installation: what access tokens are signed with, and what secrets at rest are encrypted with.

Given by settings, else made once under `IMS_HOME/keys` with mode 0600. A key setting or file may hold several signing
keys: the first signs, all verify, so that a key is rotated by putting a new one in front.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ims.failure import WrongInput
from ims.settings import Settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SHORTEST_SECRET = 32
PEM = re.compile(r"-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True)
class KeyRing:
    """Signing keys of one algorithm: `signing` under `kid` for new tokens, `verifying` by kid for those presented."""

    algorithm: str
    kid: str
    signing: Any
    verifying: Mapping[str, Any]


def load_key_ring(settings: Settings) -> KeyRing:
    """The ring that the settings name. Raises WrongInput when a key cannot be used; it never shows one."""
    algorithm = settings.jwt_algorithm
    if settings.jwt_key is not None:
        text, where = settings.jwt_key.get_secret_value(), "IMS_JWT_KEY"
    elif settings.jwt_key_file is not None:
        text, where = _read(settings.jwt_key_file), "IMS_JWT_KEY_FILE"
    else:
        make = _make_pem if algorithm == "EdDSA" else _make_secret
        path = settings.home / "keys" / f"tokens-{algorithm.lower()}.key"
        text, where = _made_once(path, make), str(path)
    pairs = _ed25519(text, where) if algorithm == "EdDSA" else _shared_secrets(text, where)
    ring = {_kid(public): public for _, public in pairs}
    return KeyRing(algorithm, _kid(pairs[0][1]), pairs[0][0], ring)


def load_vault(settings: Settings, purpose: str) -> Fernet:
    """Authenticated encryption with a key of its own for each purpose, derived from the installation's secret."""
    from cryptography.fernet import Fernet

    return Fernet(base64.urlsafe_b64encode(_derived(settings, purpose)))


def load_signer(settings: Settings, purpose: str) -> Ed25519PrivateKey:
    """What this installation signs with for others to verify, derived from its secret as well."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(_derived(settings, f"{purpose} signature"))


def _derived(settings: Settings, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    if settings.secret_key is not None:
        text, where = settings.secret_key.get_secret_value(), "IMS_SECRET_KEY"
    else:
        path = settings.home / "keys" / "secrets.key"
        text, where = _made_once(path, _make_secret), str(path)
    (first, *_) = _shared_secrets(text, where)
    return HKDF(SHA256(), 32, salt=None, info=f"ims {purpose}".encode()).derive(first[0])


def load_pseudonym_key(settings: Settings) -> bytes:
    """What pseudonyms are computed with: of its own, so that changing another key gives nobody another pseudonym."""
    if settings.pseudonym_key is not None:
        text, where = settings.pseudonym_key.get_secret_value(), "IMS_PSEUDONYM_KEY"
    else:
        path = settings.home / "keys" / "pseudonyms.key"
        text, where = _made_once(path, _make_secret), str(path)
    (first, *_) = _shared_secrets(text, where)
    return bytes(first[0])


def _made_once(path: Path, make: Callable[[], str]) -> str:
    """The content of a key file, made by whichever process comes first and read by all."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent)  # 0600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # whole or not at all, and only if nobody else was first
        finally:
            os.unlink(draft)
    return _read(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not plain text"
        raise WrongInput(f"The key file {path} cannot be read: {reason}. Check IMS_JWT_KEY_FILE or IMS_HOME.") from None


def _ed25519(text: str, where: str) -> list[tuple[Any, Any]]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pairs = []
    for block in PEM.findall(text.replace("\\n", "\n")):
        try:
            key = load_pem_private_key(block.encode(), password=None)
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise WrongInput(
                f"{where} holds a private key that is not Ed25519. Make one: openssl genpkey -algorithm ed25519."
            )
        pairs.append((key, key.public_key()))
    if not pairs:
        raise WrongInput(
            f"{where} holds no Ed25519 private key in PEM form, which IMS_JWT_ALGORITHM=EdDSA needs. "
            "Make one: openssl genpkey -algorithm ed25519."
        )
    return pairs


def _shared_secrets(text: str, where: str) -> list[tuple[Any, Any]]:
    found = [line.strip().encode() for line in text.splitlines() if line.strip()]
    if not found or any(len(secret) < SHORTEST_SECRET or secret.startswith(b"-----") for secret in found):
        raise WrongInput(
            f"{where} must hold random secrets of at least {SHORTEST_SECRET} characters, one a line. "
            "Make one: openssl rand -base64 48."
        )
    return [(secret, secret) for secret in found]


def _kid(verifying: Any) -> str:
    raw = verifying if isinstance(verifying, bytes) else verifying.public_bytes_raw()
    return hashlib.sha256(b"ims kid" + raw).hexdigest()[:16]


def _make_secret() -> str:
    return secrets.token_urlsafe(48) + "\n"


def _make_pem() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
