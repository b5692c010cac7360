set -euo pipefail
cd "$EXPORTS"
# article,count → the sum of each article, the largest first
tail -n +2 "orders-$DAY.csv" \
  | awk -F, '{sum[$1] += $2} END {for (article in sum) print article "," sum[article]}' \
  | sort -t, -k2,2nr > "report-$DAY.csv"
wc -l < "report-$DAY.csv"
