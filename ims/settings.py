"""What an installation is told from outside: environment variables `IMS_*`, a `.env` file, or files of secrets.

Built by `get_settings()`, never at import. Secrets are masked wherever a settings object is printed.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from ims.failure import WrongInput

Role = Literal["superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff"]

SECRETS = Path("/run/secrets")
SMTP_URL = r"(smtp|smtp\+starttls|smtps)://([^@/]+@)?(\[[0-9a-fA-F:]+\]|[^@/:\[\]]+)(:\d{1,5})?/?"


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
    replica_url: SecretStr | None = Field(
        default=None, description="A standby of the operational database, which the extract reads in its place."
    )
    replica_wait_seconds: float = Field(
        default=60, ge=0, description="How long a run waits for the standby to catch up; then it refuses."
    )
    lake_path: str | None = Field(
        default=None, description="Where the lake keeps its Parquet files; by default `home`/lake."
    )
    lake_encrypted: bool = Field(
        default=False, description="A lake that is made new is encrypted: a key for each file, kept in its catalog."
    )
    host: str = Field(default="127.0.0.1", description="Address the web app listens on.")
    port: int = Field(default=8000, description="Port of the web app.")
    dagster_port: int = Field(default=3000, description="Port of the Dagster UI.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s?#]+$",
        description="The web app's address as people reach it, for links in mail; by default http://host:port.",
    )
    api_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s?#@]+$",
        description="Where the dashboards send what people decide, when they are served apart (role dashboards), as "
        "http://api:8000; by default the process itself.",
    )
    threads: int | None = Field(default=None, description="Threads for DuckDB and models; default: all cores.")
    memory_limit: str = Field(default="4GB", description="Memory limit of one DuckDB connection.")
    copies_published: bool = Field(
        default=True,
        description="Dashboards ask a native copy of what is published, made beside them; never of an encrypted lake.",
    )
    session_hours: int = Field(default=8, ge=1, le=8, description="How long a sign-in lasts.")
    session_idle_minutes: int = Field(
        default=120, ge=5, le=480, description="A browser's session that nobody used for so long ends."
    )
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
    pseudonym_key: SecretStr | None = Field(
        default=None,
        description="Key of the pseudonyms that stand for people in the warehouse, 32 characters or more; by default "
        "one is made under `home`/keys. Another key gives everybody another pseudonym.",
    )
    access_token_minutes: int = Field(default=15, ge=1, le=480, description="How long an access token lasts.")
    refresh_token_days: int = Field(default=14, ge=1, le=90, description="How long a program stays signed in.")
    breached_passwords_file: Path | None = Field(
        default=None,
        description="SHA-1 hashes of breached passwords in their order, one a line as HASH:COUNT, as Have I Been Pwned "
        "gives them away: what is in it is refused as a new password, beside the list that IMS brings.",
    )
    limits_storage: SecretStr = Field(
        default=SecretStr("postgresql"),
        description="Where sign-in attempts are counted: postgresql, or redis://host:port/db.",
    )
    require_totp_roles: frozenset[Role] = Field(
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
    workers: int = Field(default=1, ge=1, le=64, description="Processes of the API (role api only).")
    pool_size: int = Field(default=10, ge=1, le=200, description="Connections to PostgreSQL of each process.")
    pool_waiting: int = Field(
        default=500, ge=1, description="Requests that may wait for a connection; more are answered 503 at once."
    )
    statement_timeout_seconds: int = Field(default=15, ge=1, description="A statement of a request is ended then.")
    lock_timeout_seconds: int = Field(default=5, ge=1, description="How long a statement waits for another's lock.")
    idle_transaction_seconds: int = Field(default=30, ge=1, description="A transaction that does nothing is ended.")
    request_timeout_seconds: float = Field(default=30, gt=0, description="A request without an answer is ended (503).")
    stop_timeout_seconds: int = Field(default=30, ge=1, description="What requests in flight get when IMS stops.")
    drain_seconds: float = Field(
        default=0,
        ge=0,
        description="After SIGTERM, serve this long with /ready at 503, for load balancers that look now and then.",
    )
    keep_alive_seconds: int = Field(default=75, ge=1, description="An idle connection is kept that long.")
    max_body_bytes: int = Field(default=1024**2, ge=1024, description="Largest body of a request.")
    allowed_hosts: str = Field(
        default="",
        description="Host names IMS answers to, separated by spaces (*.example.com for all below). Empty: any.",
    )
    proxies: str = Field(
        default="127.0.0.1 ::1",
        description="Addresses or networks (10.0.0.0/8), separated by spaces, whose X-Forwarded-For and -Proto are "
        "believed: the proxies in front.",
    )
    cors_origins: str = Field(
        default="", description="Origins whose pages may call the API with a token, separated by spaces. Empty: none."
    )
    hsts: Literal["auto", "always", "never"] = Field(
        default="auto", description="Strict-Transport-Security: auto sends it over https only."
    )
    tls_certificate_file: Path | None = Field(
        default=None,
        description="Certificate (PEM, with its chain) by which the web app itself speaks TLS, and nothing else, to "
        "what asks it inside: the proxy in front, the dashboards, Prometheus. Read anew each hour.",
    )
    tls_key_file: Path | None = Field(default=None, description="The certificate's private key.")
    tls_authority_file: Path | None = Field(
        default=None,
        description="Who signs the parts' certificates: nobody else is believed at IMS_API_URL, nor in a name of "
        "IMS_METRICS_NAMES. Default: the machine's list, and nobody.",
    )
    metrics_names: str = Field(
        default="",
        description="Names in certificates (CN), separated by spaces, that /metrics is shown to: who comes with one "
        "that IMS_TLS_AUTHORITY_FILE signed. With IMS_METRICS_TOKEN either will do; without both /metrics is open.",
    )
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="Bearer token that shows /metrics."
    )
    otel_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="OpenTelemetry collector (OTLP over HTTP), as http://host:4318. Without it no traces are made.",
    )
    required: str = Field(
        default="",
        description="Settings that must be given, separated by spaces (database_url jwt_key): without one IMS does not "
        "start, rather than begin a database or a key of its own.",
    )
    read_only: bool = Field(
        default=False,
        description="Nothing is written for whoever asks: reading and signing in go on, writes are answered 503.",
    )
    min_free_disk_mb: int = Field(default=500, ge=0, description="/ready says so when `home` has less left.")

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.fullmatch(SMTP_URL, url.get_secret_value()):
            raise ValueError("it must look like smtp+starttls://user:password@host:587")
        return url

    @property
    def web_address(self) -> str:
        """Where people reach the web app: `http://127.0.0.1:8000`."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def lake_data_path(self) -> str:
        """The lake's data path: a folder or an `s3://` address."""
        return self.lake_path or str(self.home / "lake")

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: str) -> str:
        for origin in origins.split():
            if not re.fullmatch(r"https?://[\w.-]+(:\d+)?", origin):
                raise ValueError("each origin is a scheme and a host, as https://shop.example.com")
        return origins

    @field_validator("proxies")
    @classmethod
    def _check_proxies(cls, proxies: str) -> str:
        for each in proxies.split():
            ip_network(each)  # its error is a ValueError, and says what is wrong
        return proxies

    @field_validator("required")
    @classmethod
    def _check_required(cls, names: str) -> str:
        for name in names.split():
            if name not in cls.model_fields:
                raise ValueError(f"there is no setting {name}")
        return names

    @model_validator(mode="after")
    def _check_given(self) -> Settings:
        files = {"jwt_key": self.jwt_key_file}
        missing = [name for name in self.required.split() if getattr(self, name) is None and files.get(name) is None]
        if missing:
            given = " and ".join(f"IMS_{name.upper()}" for name in missing)
            raise ValueError(f"{given} is not given, and IMS_REQUIRED asks for it")
        return self

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, hosts: str) -> str:
        for host in hosts.split():
            if not re.fullmatch(r"(\*\.)?[\w.-]+|\[[0-9a-fA-F:]+\]", host):
                raise ValueError("each host is a name without scheme and port, as ims.example.com or *.example.com")
        return hosts


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once. Raises WrongInput that names the variable, never a value.

    What a platform mounts as files, each named like a variable (`ims_database_url`), is read from IMS_SECRETS_DIR, by
    default /run/secrets where there is one. The environment says it louder, and .env, too.
    """
    try:
        settings = Settings(_secrets_dir=_secrets_folder())
    except ValidationError as error:
        # what is wrong with several of them together names them itself
        faults = "; ".join(
            f"IMS_{str(each['loc'][0]).upper()}: {each['msg']}" if each["loc"] else each["msg"]
            for each in error.errors()
        )
        raise WrongInput(f"A setting cannot be used: {faults}. Correct it in the environment or in .env.") from None
    except SettingsError as error:
        # of a list that is no JSON the library says which, and nothing of what was given
        raise WrongInput(f"A setting cannot be used: {error}. Correct it in the environment or in .env.") from None
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def _secrets_folder() -> Path | None:
    named = os.environ.get("IMS_SECRETS_DIR")
    if named is None:
        return SECRETS if SECRETS.is_dir() else None
    if not Path(named).is_dir():
        raise WrongInput(f"IMS_SECRETS_DIR names {named}, which is no folder: nothing of what it should hold is known.")
    return Path(named)
