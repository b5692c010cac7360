def run():
    """Nothing."""


def alert(context):
    """Nothing."""
