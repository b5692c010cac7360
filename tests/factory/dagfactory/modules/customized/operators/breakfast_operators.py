from airflow.sdk import BaseOperator


class MakeBreadOperator(BaseOperator):
    def __init__(self, bread_type, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bread_type = bread_type


class MakeCoffeeOperator(BaseOperator):
    def __init__(self, coffee_type, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.coffee_type = coffee_type
