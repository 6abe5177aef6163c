-- One row of features for one raw transaction; nothing here looks at another row.
-- Portable: DuckDB and Spark run this text verbatim and agree to the last bit. So no ROUND (the two differ on halves), no integer
-- division (its operator differs), no date functions; "+ 0e0" turns a negative zero into zero, which the two would sort differently.
-- Reads `raw`, a table in Kaggle's layout. The clock starts at midnight of the first day.
SELECT
    CAST(FLOOR(Time) AS BIGINT) AS time_seconds,
    V1 + 0e0 AS V1, V2 + 0e0 AS V2, V3 + 0e0 AS V3, V4 + 0e0 AS V4, V5 + 0e0 AS V5, V6 + 0e0 AS V6,
    V7 + 0e0 AS V7, V8 + 0e0 AS V8, V9 + 0e0 AS V9, V10 + 0e0 AS V10, V11 + 0e0 AS V11, V12 + 0e0 AS V12,
    V13 + 0e0 AS V13, V14 + 0e0 AS V14, V15 + 0e0 AS V15, V16 + 0e0 AS V16, V17 + 0e0 AS V17,
    V18 + 0e0 AS V18, V19 + 0e0 AS V19, V20 + 0e0 AS V20, V21 + 0e0 AS V21, V22 + 0e0 AS V22,
    V23 + 0e0 AS V23, V24 + 0e0 AS V24, V25 + 0e0 AS V25, V26 + 0e0 AS V26, V27 + 0e0 AS V27, V28 + 0e0 AS V28,
    Amount + 0e0 AS Amount,
    CAST(FLOOR(Amount * 100e0 + 5e-1) AS BIGINT) AS amount_cents,
    CAST(FLOOR((Time % 86400e0) / 3600e0) AS INT) AS hour_of_day,
    CAST(FLOOR(Amount * 100e0 + 5e-1) % 100e0 AS INT) AS amount_fraction_cents,
    CAST(Class AS INT) AS Class
FROM raw
