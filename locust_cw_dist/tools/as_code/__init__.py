"""Alarms and dashboards as code: made from the rules and the settings, as files or in the user's own account.

All but `account`, which calls AWS, is pure: what is wanted is computed (`alarms`, `dashboard`), compared with what is
there (`changes`) or written down (`template`). No process of a load test imports this.
"""
