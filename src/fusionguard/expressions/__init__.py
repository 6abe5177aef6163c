"""Feature expressions: a small part of SQL that DuckDB, Spark and the service understand alike, read once into a checked tree.

Features are defined by SQL. DuckDB and Spark run its text; the service, which has neither, runs what is generated from the same
text: a Python function for one row (:mod:`row_code`) and an evaluation over arrays for a batch (:mod:`column_code`).

What the part holds: ``+ - * / %``, comparisons, ``AND OR NOT``, ``IS [NOT] NULL``, ``IN``, ``CASE WHEN``, ``CAST`` to ``INT``,
``BIGINT``, ``DOUBLE`` and ``VARCHAR(n)``, ``FLOOR``, ``ABS``, ``CONCAT``, ``COALESCE``, ``NULLIF`` and literals. Whatever the two
engines disagree about is refused when the text is read, with a remedy, or when a row has such a value:

- decimal literals (``0.1`` is a DECIMAL in both; write ``1e-1``) and double-quoted names;
- ``CAST`` of a DOUBLE with a fraction to an integer (DuckDB rounds, Spark truncates) and of a DOUBLE to a text;
- a divisor of zero (infinite in DuckDB, an error in Spark) and integers out of range (an error in both, at other places);
- ``CONCAT`` with a missing text (DuckDB skips it, Spark gives NULL) and texts with backslashes (Spark's escapes);
- functions of libm (``EXP``, ``LN``: their last bit depends on the machine).

NaN equals itself and is the largest number, and ``-0e0 = 0e0``, in both engines and here.

Why not sqlglot (30.30 measured): 190 ms to import and 14 MB in each process of a service, 50 ms to read a family's features, a
further pin for the image, and its executor knows neither ``FLOOR`` nor either engine's ``%``, overflow or NULL rules: what
matters here would still have to be written. This package reads the same text in 2 ms and compiles it in 3.

No text is ever evaluated as Python. A tree is made of the node classes of :mod:`tree` alone, the generated code of those, its
names are numbered rather than taken from the text, and the functions that it calls are the ones that :mod:`row_code` lists.
"""
