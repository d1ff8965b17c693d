"""One self-contained segment from any long table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from gogooku3.axes import FeatureLNF, TargetLNT
from gogooku3.errors import PanelError
from gogooku3.labels.ranks import rank_targets
from gogooku3.labels.target import Target
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.quality import FeatureQuality
from gogooku3.panel.segment import Segment
from gogooku3.panel.stocks import align_stocks, bare_stocks, check_stocks
from gogooku3.panel.table_columns import TableColumns, table_columns
from gogooku3.panel.table_grid import TableGrid
from gogooku3.panel.table_keys import table_keys
from gogooku3.panel.table_link import table_link

_SAMPLE = 4096


@dataclass(frozen=True, eq=False, kw_only=True)
class TableSegment:
    """A table as a segment, with all that `segment_file.write_single` needs.

    Attributes:
        segment: The arrays.
        axes: The names along them.
        stocks: What the table knows of each stock.
        rows: Rows of the table, all of them in the segment.
        notes: What was decided and could have been meant otherwise.
    """

    segment: Segment
    axes: PanelAxes
    stocks: pl.DataFrame
    rows: int
    notes: tuple[str, ...]


def table_to_segment(
    frame: pl.DataFrame,
    *,
    feature_columns: Collection[str] | None = None,
    target_columns: Mapping[str, Target] | None = None,
    allow: Collection[str] = (),
    calendar: str = "unknown",
) -> TableSegment:
    """Turn rows of (date, code, features, targets) into one dense segment.

    Sessions are the dates of the table, stocks its codes; the order of rows does not matter. The universe is
    the Boolean column ``universe``, or every row. Rank targets are made per session over the universe. The
    field ``link`` follows from the table's prices, where it has any (`table_link`). A null is NaN.

    Args:
        frame: The table; see `table_columns` for how columns are recognised.
        feature_columns: Features; None for every numeric column that is nothing else.
        target_columns: Target by column, beside those recognised by name.
        allow: Features that may be null everywhere or constant.
        calendar: Code of the exchange calendar that the dates follow.

    Raises:
        DataError: The date or code column has a type that is no date or no text.
        PanelError: There are no rows, a date or code is null or malformed, a (date, code) stands twice, a
            value is infinite, a feature says nothing or is a target, or the segment would be too large.
    """
    if frame.is_empty():
        raise PanelError("a table has no rows", expected="at least one row")
    columns = table_columns(frame, features=feature_columns, targets=target_columns)
    roles = columns.roles
    keys = table_keys(frame, roles)
    grid = TableGrid(keys)
    grid.check_size(len(columns.features))
    present = grid.flags(None)
    universe = grid.flags(frame[roles["universe"]]) if "universe" in roles else present
    features = grid.floats([frame[name] for name in columns.features])
    targets = grid.floats([frame[name] for name in columns.targets.values()])
    quality = FeatureQuality(columns.features)
    quality.add(features)
    allowed = quality.refuse(allow)
    _refuse_leaks(features, targets, columns)
    link, link_note = table_link(frame, roles, grid)
    fields = {} if link is None else {"link": link}
    segment = Segment(
        sessions=grid.sessions,
        codes=grid.codes,
        features=features,
        present=present,
        universe=universe,
        targets=targets,
        target_ranks=rank_targets(targets, universe),
        fields=fields,
    )
    return TableSegment(
        segment=segment,
        axes=PanelAxes(columns.features, tuple(columns.targets), tuple(fields), calendar),
        stocks=_stocks(frame, keys, roles, grid.codes),
        rows=len(frame),
        notes=_notes(frame, columns, allowed, link_note),
    )


def _refuse_leaks(features: FeatureLNF, targets: TargetLNT, columns: TableColumns) -> None:
    """Refuse a target without a label, and a feature that equals a target wherever that has one."""
    rows_features = features.reshape(-1, features.shape[2])
    rows_targets = targets.reshape(-1, targets.shape[2])
    for k, name in enumerate(columns.targets.values()):
        labelled = np.flatnonzero(~np.isnan(rows_targets[:, k]))
        if not labelled.size:
            raise PanelError("a target has no label", where=name, expected="at least one value")
        sample = labelled[:: max(1, labelled.size // _SAMPLE)]
        same = (rows_features[sample] == rows_targets[sample, k, None]).all(axis=0)
        for f in np.flatnonzero(same):
            if (rows_features[labelled, f] == rows_targets[labelled, k]).all():
                raise PanelError(
                    "a feature is a copy of a target",
                    got=f"{columns.features[f]} equals {name}",
                    remedy="drop it, or name the features with --feature",
                )


def _stocks(
    frame: pl.DataFrame, keys: pl.DataFrame, roles: Mapping[str, str], codes: tuple[str, ...]
) -> pl.DataFrame:
    """Take the latest name and sector of each code, where the table has them."""
    known = [role for role in ("name", "sector") if role in roles]
    if not known:
        return bare_stocks(codes)
    texts = keys.with_columns(frame[roles[role]].cast(pl.String).alias(role) for role in known)
    latest = texts.group_by("code").agg(pl.col(role).sort_by("date").drop_nulls().last() for role in known)
    bare = bare_stocks(codes).drop(known)
    return align_stocks(check_stocks(bare.join(latest, on="code", how="left")), codes)


def _notes(
    frame: pl.DataFrame, columns: TableColumns, allowed: Mapping[str, str], link: str
) -> tuple[str, ...]:
    code = columns.roles["code"]
    notes = [*columns.notes, link, *(f"allowed: {name} {fault}" for name, fault in allowed.items())]
    if frame[code].dtype.is_integer():
        notes.append(f"{code} holds numbers: leading zeros, if there were any, are lost")
    if columns.ignored:
        notes.append(f"not used: {', '.join(columns.ignored)}")
    return tuple(notes)
