"""The import engine: one for the command and the page.

A file is read as a stream into a temporary table, typed and checked there with set-based statements, and written with
`INSERT … SELECT … ON CONFLICT`. What a kind of file means stands in its `ImportKind` (see `kinds`).
"""
