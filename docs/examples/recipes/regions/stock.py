from airflow.sdk import BaseHook


def load(region, articles):
    hook = BaseHook.get_hook("warehouse")
    hook.run("DELETE FROM stock WHERE region = :region", parameters={"region": region})
    hook.insert_rows("stock", [(region, a["name"], a["count"]) for a in articles], ["region", "article", "count"])
