"""The extract reads a standby only where one is given that has caught up; what is none is refused in a sentence."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from pipelines.replica import source_address
from warehouse.lake import LakeUnavailable

HIDDEN = "hidden"


def test_without_a_standby_the_operational_database_is_read(installation) -> None:
    assert source_address(installation.databases, installation.settings) == installation.databases.operational


@pytest.mark.parametrize(
    ("address", "words"),
    [(None, "is no replica"), (f"postgresql://postgres:{HIDDEN}@127.0.0.1:1/ims", "cannot be read")],
)
def test_what_is_no_standby_or_does_not_answer_is_refused(installation, address: str | None, words: str) -> None:
    given = SecretStr(address or installation.databases.operational)
    with pytest.raises(LakeUnavailable, match=words) as refused:
        source_address(installation.databases, installation.settings.model_copy(update={"replica_url": given}))
    assert HIDDEN not in str(refused.value)
