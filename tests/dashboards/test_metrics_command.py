"""`ims metrics` beside the dashboards: the same figures by the same names, asked for on the command line."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest
from typer.testing import CliRunner

from ims.commands.metrics import app
from ims.failure import Failure, WrongInput


def ask(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, Failure):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_figures_are_split_limited_and_written_for_programs(world) -> None:
    whole = pl.read_csv(io.StringIO(ask("query", "net_sales", "--by", "store", "--format", "csv")))
    assert whole.columns == ["store", "net_sales"]
    rows = json.loads(ask("query", "net_sales", "--by", "store", "--where", "store=s01, S03", "--format", "json"))
    assert [row["store"] for row in rows] == ["S01", "S03"]
    months = pl.read_csv(io.StringIO(ask("query", "units_sold", "--by", "month", "--format", "csv")))
    first = months["month"][1]
    one = pl.read_csv(io.StringIO(ask("query", "units_sold", "--where", f"month={first}..{first}", "--format", "csv")))
    assert one["units_sold"][0] == months["units_sold"][1]


def test_people_get_a_table_that_says_as_of_when(world) -> None:
    table = ask("query", "net_sales", "gross_margin_share", "--by", "store")
    assert "snapshot" in table
    assert "%" in table


def test_figures_are_compared_on_the_command_line(world) -> None:
    days = "day=2026-01-01..2026-01-31"
    found = ask("query", "units_sold", "--where", days, "--compare", "last_year", "--format", "csv")
    assert found.splitlines()[0] == "units_sold,units_sold_before,units_sold_change_share,note"


def test_what_nobody_records_is_empty_and_the_reason_is_said(world) -> None:
    assert "no staff hours are recorded" in ask("query", "sales_per_staff_hour", "--by", "store")
    assert "no staff hours are recorded" in ask("show", "sales_per_staff_hour")


def test_figures_are_listed_and_explained() -> None:
    assert "net_sales" in ask("list", "sales")
    said = ask("show", "gross_margin_share")
    assert "fct_" in said or "/" in said
    assert "split by:" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("query", "net_salez"), "Nearest: net_sales"),
        (("query", "net_sales", "--by", "shoe_size"), "known: store"),
        (("query", "net_sales", "--where", "store"), "dimension=value"),
        (("query", "net_sales", "--where", "day=yesterday"), "2025-04-01"),
        (("query", "net_sales", "--where", "store=S01", "--where", "store=S02"), "twice"),
        (("query", "net_sales", "--compare", "previous"), "limit `day`"),
        (("show", "nothing"), "no figure 'nothing'"),
        (("list", "zzz"), "zzz"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence_and_exit_2(world, arguments, says) -> None:
    with pytest.raises(WrongInput, match=says):
        ask(*arguments)


def test_before_the_first_publication_it_says_what_to_do(installation) -> None:
    with pytest.raises(Failure, match="ims run"):
        ask("query", "net_sales")
