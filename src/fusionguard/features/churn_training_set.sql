-- The table that models learn from: `churn_rows` in one order whatever the engine and its threads. The contract on the raw
-- table has made sure that each customer is there once; the columns after the row's number settle the order where it repeats.
SELECT
    row_number, CreditScore, Geography, Gender, Age, Tenure, Balance, NumOfProducts, HasCrCard, IsActiveMember, EstimatedSalary,
    age_band, has_balance, balance_to_salary, tenure_to_age, country_products, activity_products, Exited
FROM churn_rows
ORDER BY
    row_number, CreditScore, Geography, Gender, Age, Tenure, Balance, NumOfProducts, HasCrCard, IsActiveMember, EstimatedSalary,
    Exited
