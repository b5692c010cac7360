from airflow.providers.standard.triggers.file import DirectoryFileDeleteTrigger, FileDeleteTrigger
from airflow.sdk import DAG, Asset, AssetWatcher, task

one = Asset("example_asset", watchers=[AssetWatcher(name="file", trigger=FileDeleteTrigger(filepath="/tmp/test"))])
flag = DirectoryFileDeleteTrigger(directory="/tmp/region-flags", filename="us.flag", poke_interval=5.0)
two = Asset("region_us_flag", watchers=[AssetWatcher(name="us_flag", trigger=flag)])

with DAG(dag_id="asset_watchers", schedule=[one, two], catchup=False, tags=["example"]):

    @task
    def say_hello():
        print("hello")

    say_hello()
