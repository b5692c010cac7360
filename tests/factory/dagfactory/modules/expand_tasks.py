def make_list():
    return [[1]]


def consume_value(value, fixed_param):
    return (value, fixed_param)
