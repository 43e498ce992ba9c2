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
