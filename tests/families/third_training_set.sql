SELECT distance_km, stops, km_a_stop, carrier, late
FROM lateness_rows
ORDER BY distance_km, stops, carrier, late
