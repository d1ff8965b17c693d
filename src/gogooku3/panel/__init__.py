"""The Arrow cache: a manifest over immutable segments, written atomically, read memory-mapped.

`panel.writer.PanelWriter` writes a folder segment by segment, `panel.open.open_panel` opens a folder or a
single self-contained segment, and `panel.from_table.table_to_segment` makes such a segment from a long table.
"""
