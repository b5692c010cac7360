DELETE FROM revenue WHERE day = '{{ ds }}';
INSERT INTO revenue (day, country, amount)
SELECT '{{ ds }}', c.country, SUM(o.amount)
FROM staging_orders AS o
JOIN staging_customers AS c ON c.id = o.customer
GROUP BY c.country;
