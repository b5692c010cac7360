def output_message(param1, param2, *args, **kwargs):
    print(param1, param2, args, kwargs)
