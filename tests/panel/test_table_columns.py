"""Which column of a long table is what."""

from __future__ import annotations

import polars as pl
import pytest

from gogooku3.errors import PanelError
from gogooku3.labels.target import Target
from gogooku3.panel.table_columns import TableColumns, table_columns


def recognised(*names: str, **options: object) -> TableColumns:
    texts = {"Date", "Code", "note", "Sector33Code"}
    schema = pl.Schema(
        {name: pl.String() if name in texts else pl.Float64() for name in ("Date", "Code", *names)}
    )
    return table_columns(pl.DataFrame(schema=schema), **options)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("h5_d1", Target(5, 1)),
        ("H10_D0", Target(10, 0)),
        ("target_5d", Target(5, 0)),
        ("target_5d_lag1", Target(5, 1)),
        ("label_20d", Target(20, 0)),
        ("horizon_5", Target(5, 0)),
        ("fwd_ret_5d", Target(5, 0)),
        ("ret_fwd_5d_lag2", Target(5, 2)),
        ("forward_return_1d", Target(1, 0)),
        ("Target_Return_1d", Target(1, 0)),
        ("return_5d", Target(5, 0)),
        ("ret_1d_lag1", Target(1, 1)),
    ],
)
def test_target_names(name: str, target: Target) -> None:
    columns = recognised(name, "x")
    assert columns.targets == {target: name}
    assert columns.features == ("x",)
    assert any(name in note for note in columns.notes) == ("lag" not in name and "_d" not in name.lower())


def test_a_past_return_beside_a_target_is_a_feature() -> None:
    columns = recognised("return_5d", "target_5d", "x")
    assert columns.targets == {Target(5, 0): "target_5d"}
    assert columns.features == ("return_5d", "x")
    columns = recognised("return_5d", "z", targets={"z": Target(1, 1)})
    assert columns.features == ("return_5d",)


def test_targets_are_sorted_and_named_ones_join() -> None:
    columns = recognised("target_20d", "target_1d", "z", "x", targets={"z": Target(5, 1)})
    assert list(columns.targets.items()) == [
        (Target(1, 0), "target_1d"),
        (Target(5, 1), "z"),
        (Target(20, 0), "target_20d"),
    ]
    assert columns.features == ("x",)


def test_a_name_overrides_the_pattern() -> None:
    assert recognised("target_5d", "x", targets={"target_5d": Target(5, 1)}).targets == {
        Target(5, 1): "target_5d"
    }


@pytest.mark.parametrize("name", ["target", "y", "label_up", "target_sharpe", "ret_5d_fwd", "future_volume"])
def test_what_may_be_a_target_is_no_feature_by_itself(name: str) -> None:
    with pytest.raises(PanelError, match=rf"would leak[\s\S]*{name}"):
        recognised("target_5d", name, "x")
    columns = recognised("target_5d", name, "x", features=["x"])
    assert columns.features == ("x",)
    assert columns.ignored == (name,)


def test_roles_and_ignored() -> None:
    columns = recognised("AdjustmentClose", "Close", "Sector33Code", "note", "target_5d", "b", "a")
    assert columns.roles == {
        "date": "Date",
        "code": "Code",
        "sector": "Sector33Code",
        "adj_close": "AdjustmentClose",
        "close": "Close",
    }
    assert columns.features == ("b", "a")
    assert columns.ignored == ("Close", "note")


def test_named_features_keep_the_order_of_the_table() -> None:
    columns = recognised("target_5d", "a", "b", "c", features=["c", "a"])
    assert columns.features == ("a", "c")
    assert columns.ignored == ("b",)


@pytest.mark.parametrize(
    ("names", "options", "match"),
    [
        (("x",), {}, "no target column"),
        (("target_5d",), {}, "no feature column"),
        (("target_5d", "x"), {"features": ["z"]}, "feature column does not exist"),
        (("target_5d", "x"), {"targets": {"z": Target(1, 0)}}, "target column does not exist"),
        (("target_5d", "x"), {"features": ["target_5d"]}, "both feature and"),
        (("target_5d", "h5_d0", "x"), {}, "claim to be one target"),
        (("target_0d", "x"), {}, "impossible horizon"),
        (("note", "target_5d"), {"features": ["note"]}, "not numeric"),
        (("ticker", "symbol", "target_5d", "x"), {}, None),
    ],
)
def test_refusals(names: tuple[str, ...], options: dict[str, object], match: str | None) -> None:
    if match is None:
        assert recognised(*names, **options).roles["code"] == "Code"
        return
    with pytest.raises(PanelError, match=match):
        recognised(*names, **options)


def test_missing_and_doubled_keys() -> None:
    with pytest.raises(PanelError, match=r"lacks the column code[\s\S]*ticker"):
        table_columns(pl.DataFrame(schema={"Date": pl.Date(), "x": pl.Float64()}))
    with pytest.raises(PanelError, match=r"two columns claim to be the code[\s\S]*ticker, symbol"):
        table_columns(pl.DataFrame(schema={"Date": pl.Date(), "ticker": pl.String(), "symbol": pl.String()}))
