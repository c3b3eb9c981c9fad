"""A login for Locust's web UI, as its documentation has it; nobody knows the password."""

from flask_login import UserMixin
from locust import events


class Somebody(UserMixin):
    def get_id(self):
        return "somebody"


@events.init.add_listener
def add_login(environment, **_):
    if environment.web_ui:
        environment.web_ui.app.secret_key = "for this test"
        environment.web_ui.login_manager.user_loader(lambda _: Somebody())
