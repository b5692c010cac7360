DROP TABLE IF EXISTS totals;
CREATE TABLE totals AS
SELECT country, count(*) AS orders, sum(amount) AS amount
FROM paid_orders
GROUP BY country;
