-- The table that models learn from: `fraud_rows` without exact duplicates, in one order whatever the engine and its threads.
-- The columns left out of the order are functions of those in it.
SELECT DISTINCT
    time_seconds,
    V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V20, V21, V22, V23,
    V24, V25, V26, V27, V28,
    Amount, amount_cents, hour_of_day, amount_fraction_cents, Class
FROM fraud_rows
ORDER BY
    time_seconds,
    V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V20, V21, V22, V23,
    V24, V25, V26, V27, V28,
    Amount, Class
