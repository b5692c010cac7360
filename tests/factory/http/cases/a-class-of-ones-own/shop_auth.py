"""Signs requests as the shop wants it."""

from requests.auth import AuthBase


class ShopAuth(AuthBase):
    def __init__(self, connection, realm):
        self.value = f"{realm} {connection.password}"

    def __call__(self, request):
        request.headers["X-Shop"] = self.value
        return request
