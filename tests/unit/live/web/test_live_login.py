"""`locust-cw watch` behind Locust's own login, which is set up as Locust's documentation has it."""

from __future__ import annotations

import flask
import pytest
from flask_login import UserMixin, login_user
from gevent.pywsgi import WSGIServer

from locust_cw_dist.tools.watch.client import Login, StateClient, WatchError

PASSWORD = "secret & +"


class Somebody(UserMixin):
    def get_id(self):
        return "anna"


def add_form(web_ui, base_path=""):
    """Let users log in by Locust's form; only the route that checks the password is a user's own."""
    web_ui.login_manager.user_loader(lambda _: Somebody())
    web_ui.auth_args = {"username_password_callback": f"{base_path}/login_submit"}

    @web_ui.app.route(f"{base_path}/login_submit", methods=["POST"])
    def submit():
        if (flask.request.form["username"], flask.request.form["password"]) != ("anna", PASSWORD):
            flask.session["auth_error"] = "Invalid username or password"
            return flask.redirect(f"{base_path}/login")
        login_user(Somebody())
        return flask.redirect(f"{base_path}/")


@pytest.mark.parametrize("base_path", ["", "/load"])
def test_it_logs_in_once_by_locusts_own_form(make_site, base_path):
    try:
        site = make_site(base_path=base_path, login=True)
    except TypeError:
        pytest.skip("this Locust has no --web-base-path")
    add_form(site.web_ui, base_path)
    server = WSGIServer(("127.0.0.1", 0), site.web_ui.app, log=None)
    server.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}{base_path}"
        with pytest.raises(WatchError, match="asks for a login: give --user NAME"):
            StateClient(url, Login()).read()
        with pytest.raises(WatchError, match="the login as anna was refused"):
            StateClient(url, Login("anna", "wrong")).read()
        client = StateClient(url, Login("anna", PASSWORD))
        assert client.read()["is_open"] is False
        site.web_ui.auth_args = {}
        assert client.read()["version"] == 1, "it is logged in"
    finally:
        server.stop(timeout=0)
