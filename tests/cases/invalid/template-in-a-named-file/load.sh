echo {{ ds }} {{ a && b }} {{ dss }}
echo {{ macros.ds_ad(ds, 1) }}
# expect 1:15 PF384 Jinja does not expect `&` here
# expect 1:31 PF384 Airflow gives templates no `dss` (did you mean `ds`?)
# expect 2:16 PF384 `macros` has no `ds_ad` (did you mean `ds_add`?)
