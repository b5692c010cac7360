DELETE FROM clicks_per_hour WHERE hour = '{{ data_interval_start }}';
INSERT INTO clicks_per_hour (hour, page, clicks)
SELECT '{{ data_interval_start }}', page, COUNT(*)
FROM clicks
WHERE clicked_at >= '{{ data_interval_start }}' AND clicked_at < '{{ data_interval_end }}'
GROUP BY page;
