SELECT * FROM orders
WHERE day > {{ ds }} AND day < '{{ ds }}'
# expect 2:13 PF384 without quotes SQL reads a date as a subtraction: 2026-01-31 is 1994 (write `'{{ ds }}'`)
