SELECT
    distance_km + 0e0 AS distance_km,
    CAST(stops AS INT) AS stops,
    distance_km / (CAST(stops AS DOUBLE) + 1e0) + 0e0 AS km_a_stop,
    carrier,
    CAST(late AS INT) AS late
FROM raw
