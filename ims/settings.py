"""What an installation is told from outside: environment variables `IMS_*` or a `.env` file.

Built by `get_settings()`, never at import. Secrets are masked wherever a settings object is printed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ims.failure import WrongInput


class Settings(BaseSettings):
    """The settings of one installation; all its state lies under `home` or in the databases named here."""

    model_config = SettingsConfigDict(env_prefix="IMS_", env_file=".env", extra="ignore")

    home: Path = Field(default_factory=lambda: Path.home() / ".ims", description="Where local state lives.")
    database_url: SecretStr | None = Field(
        default=None, description="Operational PostgreSQL, 15 or newer; without it IMS starts its own."
    )
    lake_database_url: SecretStr | None = Field(
        default=None, description="Catalog of the lake; by default database `ims_lake` of the same server."
    )
    dagster_database_url: SecretStr | None = Field(
        default=None, description="Dagster's storage; by default database `ims_dagster` of the same server."
    )
    lake_path: str | None = Field(
        default=None, description="Where the lake keeps its Parquet files; by default `home`/lake."
    )
    host: str = Field(default="127.0.0.1", description="Address the web app listens on.")
    port: int = Field(default=8000, description="Port of the web app.")
    dagster_port: int = Field(default=3000, description="Port of the Dagster UI.")
    threads: int | None = Field(default=None, description="Threads for DuckDB and models; default: all cores.")
    memory_limit: str = Field(default="4GB", description="Memory limit of one DuckDB connection.")
    session_hours: int = Field(default=8, ge=1, le=8, description="How long a sign-in lasts.")
    jwt_algorithm: Literal["EdDSA", "HS256"] = Field(default="EdDSA", description="How access tokens are signed.")
    jwt_key: SecretStr | None = Field(
        default=None,
        description="Keys of access tokens: Ed25519 private keys in PEM, or for HS256 secrets one a line. The first "
        "signs, all verify. By default one is made under `home`/keys.",
    )
    jwt_key_file: Path | None = Field(default=None, description="A file with what IMS_JWT_KEY would hold.")
    secret_key: SecretStr | None = Field(
        default=None, description="Encrypts secrets at rest; by default one is made under `home`/keys."
    )
    access_token_minutes: int = Field(default=15, ge=1, le=480, description="How long an access token lasts.")
    refresh_token_days: int = Field(default=14, ge=1, le=90, description="How long a program stays signed in.")
    limits_storage: SecretStr = Field(
        default=SecretStr("postgresql"),
        description="Where sign-in attempts are counted: postgresql, or redis://host:port/db.",
    )
    require_totp_roles: frozenset[str] = Field(
        default=frozenset(), description='Roles that need a second factor, as ["superadmin", "admin"].'
    )
    holding_rate_per_year: float = Field(
        default=0.20, ge=0, description="Carrying cost of stock, share of its cost per year."
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server: smtp://user:password@host:port (TLS where offered), smtp+starttls:// (TLS demanded) "
        "or smtps://. Without it mail waits in the outbox.",
    )
    mail_from: str = Field(default="ims@localhost", description="Sender of mail.")
    webhook_urls: str = Field(default="", description="Addresses that are told of events, separated by spaces.")
    webhook_secret: SecretStr | None = Field(default=None, description="Signs webhook calls (HMAC-SHA256).")
    webhook_hosts: str = Field(
        default="",
        description="Hosts (host or host:port, separated by spaces) that webhooks may reach without https "
        "or at a private address.",
    )

    @property
    def lake_data_path(self) -> str:
        """The lake's data path: a folder or an `s3://` address."""
        return self.lake_path or str(self.home / "lake")


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once. Raises WrongInput that names the variable, never a value."""
    try:
        settings = Settings()
    except ValidationError as error:
        faults = "; ".join(f"IMS_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        raise WrongInput(f"A setting cannot be used: {faults}. Correct it in the environment or in .env.") from None
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})
