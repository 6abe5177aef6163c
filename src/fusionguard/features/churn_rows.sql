-- One row of features for one customer; nothing here looks at another row, and nothing reads a name or a customer id.
-- Portable: DuckDB and Spark run this text verbatim and agree to the last bit. So no integer division (its operator differs),
-- no concatenation of numbers without a cast; "+ 0e0" turns a negative zero into zero.
-- Reads `raw`, a table in Kaggle's layout with the place of each row, from 0, which the engine gives it.
SELECT
    CAST(row_number AS BIGINT) AS row_number,
    CAST(CreditScore AS INT) AS CreditScore,
    Geography,
    Gender,
    CAST(Age AS INT) AS Age,
    CAST(Tenure AS INT) AS Tenure,
    Balance + 0e0 AS Balance,
    CAST(NumOfProducts AS INT) AS NumOfProducts,
    CAST(HasCrCard AS INT) AS HasCrCard,
    CAST(IsActiveMember AS INT) AS IsActiveMember,
    EstimatedSalary + 0e0 AS EstimatedSalary,
    CASE WHEN Age < 30 THEN 0 WHEN Age < 40 THEN 1 WHEN Age < 50 THEN 2 WHEN Age < 60 THEN 3 ELSE 4 END AS age_band,
    CASE WHEN Balance > 0e0 THEN 1 ELSE 0 END AS has_balance,
    Balance / (EstimatedSalary + 1e3) + 0e0 AS balance_to_salary,
    CAST(Tenure AS DOUBLE) / CAST(Age AS DOUBLE) AS tenure_to_age,
    CONCAT(Geography, ', products: ', CAST(NumOfProducts AS VARCHAR(9))) AS country_products,
    CONCAT(CASE WHEN IsActiveMember = 1 THEN 'active' ELSE 'inactive' END, ', products: ', CAST(NumOfProducts AS VARCHAR(9)))
        AS activity_products,
    CAST(Exited AS INT) AS Exited
FROM raw
