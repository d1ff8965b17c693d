"""Turn a long table (Parquet or CSV) into one self-contained panel segment that every command accepts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gogooku3.errors import Gogooku3Error
from gogooku3.labels.target import Target
from gogooku3.panel.from_table import table_to_segment
from gogooku3.panel.segment_file import write_single
from gogooku3.panel.table_file import read_table
from gogooku3.storage.hashing import digest_file


def main(arguments: list[str] | None = None) -> int:
    """Read, convert, write; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        table = table_to_segment(
            read_table(options.input),
            feature_columns=options.feature,
            target_columns=dict(map(_target, options.target)),
            allow=options.allow,
            calendar=options.calendar,
        )
        lineage = {
            "table": options.input.name,
            "sha256": digest_file(options.input),
            "notes": list(table.notes),
        }
        write_single(options.output, table.segment, table.axes, stocks=table.stocks, lineage=lineage)
    except Gogooku3Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    sessions, stocks, features = table.segment.features.shape
    targets = ", ".join(map(str, table.axes.targets))
    print(
        f"{options.output}: {table.rows} rows, {sessions} sessions, {stocks} stocks, {features} features, "
        f"targets {targets}; {'; '.join(table.notes)}"
    )
    return 0


def _target(text: str) -> tuple[str, Target]:
    column, _, name = text.rpartition("=")
    return column, Target.parse(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--input", type=Path, required=True, help="long table with Date and Code, .parquet, .csv or .csv.gz"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="segment file to write, such as panel.arrow"
    )
    parser.add_argument(
        "--target", action="append", default=[], metavar="COLUMN=h5_d1", help="name a target column"
    )
    parser.add_argument(
        "--feature", action="append", metavar="COLUMN", help="name a feature column (then no others)"
    )
    parser.add_argument(
        "--allow", action="append", default=[], metavar="FEATURE", help="allow null or constant"
    )
    parser.add_argument("--calendar", default="unknown", help="exchange calendar of the dates, such as XTKS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
