def tell(context, channel=""):
    print(channel, context["ti"].task_id)
