-- The table that models learn from: `churn_rows` in the order of the source, whatever the engine and its threads.
SELECT
    row_number, CreditScore, Geography, Gender, Age, Tenure, Balance, NumOfProducts, HasCrCard, IsActiveMember, EstimatedSalary,
    age_band, has_balance, balance_to_salary, tenure_to_age, country_products, activity_products, Exited
FROM churn_rows
ORDER BY row_number
