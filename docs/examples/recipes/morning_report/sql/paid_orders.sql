DROP TABLE IF EXISTS paid_orders;
CREATE TABLE paid_orders AS
SELECT id, country, amount
FROM orders
WHERE status = 'paid';
