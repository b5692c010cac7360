load --day {{ ds }} --or {{ dag_run.run_after | ds }}
# expect 1:15 PF216 `ds` is missing: runs that assets start have no logical date
