DROP TABLE IF EXISTS staging_customers;
CREATE TABLE staging_customers AS
SELECT id, UPPER(country) AS country
FROM customers;
