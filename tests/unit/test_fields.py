"""Text is judged as it was sent, so the described pattern alone says what is accepted; then it is trimmed."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.routes.fields import Reason, Text

SPACES = [chr(point) for point in range(0x110000) if chr(point).isspace()]
MEMBERS = {kind: TypeAdapter(adapted) for kind, adapted in (("text", Text), ("reason", Reason))}


@pytest.mark.parametrize("space", SPACES, ids=ascii)
def test_space_alone_is_no_text(space: str) -> None:
    with pytest.raises(ValidationError):
        MEMBERS["text"].validate_python(space)
    with pytest.raises(ValidationError):
        MEMBERS["reason"].validate_python(f"nine more{space}")


def test_text_is_trimmed() -> None:
    assert MEMBERS["text"].validate_python("\u3000 a b \n") == "a b"


@given(st.sampled_from(sorted(MEMBERS)), st.text(st.sampled_from([*SPACES, "a", "é", "\x00"]), max_size=14))
@example("text", "\x0b" + "a" * 200)
@example("reason", "\x85")
def test_what_the_description_says_is_what_is_accepted(kind: str, text: str) -> None:
    described = MEMBERS[kind].json_schema()
    as_described = described["minLength"] <= len(text) <= described["maxLength"] and bool(
        re.search(described["pattern"].replace("$", r"\Z"), text)
    )
    try:
        accepted = MEMBERS[kind].validate_python(text)
    except ValidationError:
        assert not as_described
    else:
        assert as_described
        assert accepted == text.strip() != ""
