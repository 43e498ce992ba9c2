"""Settings come from the environment and never show a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from ims.failure import WrongInput
from ims.postgres import Databases, DatabaseUnavailable, connect_databases, redact_url
from ims.settings import Settings, get_settings

URL = "postgresql://me:hunter2@localhost:1/ims"


def test_secrets_are_masked(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=SecretStr(URL), _env_file=None)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(Databases(URL, URL, URL))
    assert redact_url(URL) == "postgresql://me:…@localhost:1/ims"


def test_a_wrong_url_is_one_paragraph_without_the_password(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=SecretStr(URL), _env_file=None)
    with pytest.raises(DatabaseUnavailable) as caught:
        connect_databases(settings)
    message = str(caught.value)
    assert "IMS_DATABASE_URL" in message
    assert "hunter2" not in message
    assert "\n" not in message


def test_an_address_that_is_none_is_one_paragraph(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="postgresql://user:password@host") as caught:
        connect_databases(Settings(home=tmp_path, database_url=SecretStr("hunter2"), _env_file=None))
    assert "hunter2" not in str(caught.value)


def test_a_wrong_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMS_PORT", "abc")
    get_settings.cache_clear()
    with pytest.raises(WrongInput, match="IMS_PORT"):
        get_settings()
    get_settings.cache_clear()


def test_an_unwritable_home_is_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailable, match="IMS_HOME"):
        connect_databases(Settings(home=tmp_path / "file", _env_file=None))


def test_secrets_come_from_files_that_a_platform_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ims_metrics_token").write_text("from-a-file-of-secrets\n")
    (tmp_path / "ims_mail_from").write_text("file@example.com")
    (tmp_path / "postgres_password").write_text("none of ours")
    monkeypatch.setenv("IMS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("IMS_MAIL_FROM", "environment@example.com")
    get_settings.cache_clear()
    settings = get_settings()
    assert settings.metrics_token is not None
    assert settings.metrics_token.get_secret_value() == "from-a-file-of-secrets"
    assert settings.mail_from == "environment@example.com"
    assert "from-a-file" not in repr(settings)


def test_a_folder_of_secrets_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMS_SECRETS_DIR", str(tmp_path / "nowhere"))
    get_settings.cache_clear()
    with pytest.raises(WrongInput, match="IMS_SECRETS_DIR"):
        get_settings()


def test_a_wrong_secret_of_a_file_names_its_variable_and_not_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ims_smtp_url").write_text("mail.example.com:hunter2")
    monkeypatch.setenv("IMS_SECRETS_DIR", str(tmp_path))
    get_settings.cache_clear()
    with pytest.raises(WrongInput, match="IMS_SMTP_URL") as refusal:
        get_settings()
    assert "hunter2" not in str(refusal.value)


def test_what_is_required_and_not_given_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ims_secret_key").write_text("x" * 32)
    monkeypatch.setenv("IMS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("IMS_REQUIRED", "secret_key jwt_key")
    get_settings.cache_clear()
    with pytest.raises(WrongInput, match="IMS_JWT_KEY is not given") as caught:
        get_settings()
    assert "IMS_SECRET_KEY" not in str(caught.value)
    monkeypatch.setenv("IMS_JWT_KEY_FILE", str(tmp_path / "key.pem"))
    get_settings.cache_clear()
    assert get_settings().secret_key is not None
    monkeypatch.setenv("IMS_REQUIRED", "sekret_key")
    get_settings.cache_clear()
    with pytest.raises(WrongInput, match="there is no setting sekret_key"):
        get_settings()
    get_settings.cache_clear()
