DROP TABLE IF EXISTS staging_orders;
CREATE TABLE staging_orders AS
SELECT id, customer, amount
FROM orders
WHERE day = '{{ ds }}' AND NOT cancelled;
