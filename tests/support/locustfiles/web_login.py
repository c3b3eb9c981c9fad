"""A login for Locust's web UI, as its documentation has it; nobody knows a password, and /let-me-in asks for none."""

import flask
from flask_login import UserMixin, login_user
from locust import events


class Somebody(UserMixin):
    def get_id(self):
        return "somebody"


@events.init.add_listener
def add_login(environment, **_):
    if not environment.web_ui:
        return
    environment.web_ui.app.secret_key = "for this test"
    environment.web_ui.login_manager.user_loader(lambda _: Somebody())

    @environment.web_ui.app.route("/let-me-in")
    def let_in():
        login_user(Somebody())
        return flask.redirect("/cloudwatch")
