"""Functions of the names and arguments that dag-factory's examples call; what they do matters to no test."""


def some_number():
    return 1


def build_numbers_list():
    return [1, 2]


def double(number: int):
    return 2 * number


def double_with_label(number: int, label: bool = False):
    return (label, number)


def multiply(a: int, b: int):
    return a * b


def read_params(params):
    return params


def add_days(ds, days):
    return (ds, days)


def generate_data():
    return []


def extract_last_name(full_name: str):
    return full_name


def collect():
    return {"key1": 1, "key2": 2}


def echo(value):
    return value


def object_storage_ops(my_obj_storage):
    return my_obj_storage


def one_day_ago(date):
    return date
