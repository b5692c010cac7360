"""What the tasks of the pipeline beside it run."""


def extract(rows=10):
    return list(range(rows))


def one(number, factor=2):
    return number * factor


def tell(context):
    print(context["ti"])


def tell_with(channel, context=None):
    print(channel, context)


def add_days(ds, days):
    return f"{ds}+{days}"


def documentation(title):
    return f"# {title}"


def is_good(response):
    return response.ok
