"""WebPages: all that this program shows on Locust's web server."""

from __future__ import annotations

import logging

from locust_cw_dist.live.platform.log_once import LogOnce
from locust_cw_dist.live.platform.web_link import WebLink
from locust_cw_dist.live.progress.progress_watch import ProgressWatch
from locust_cw_dist.live.web.locust_tab import LocustTab
from locust_cw_dist.live.web.page_routes import PageRoutes
from locust_cw_dist.live.web.state_route import StateRoute

logger = logging.getLogger("locust_cw_dist")


class WebPages:
    """Shows what a `ProgressWatch` knows."""

    def __init__(self, link: WebLink, watch: ProgressWatch, once: LogOnce) -> None:
        """Show it by `link`, whose web UI is there."""
        self._link = link
        self._once = once
        self._parts = (PageRoutes(link, once), StateRoute(link, watch, once), LocustTab(link, watch, once))

    def attach(self) -> None:
        """Begin; without what fails, which is logged."""
        for part in self._parts:
            try:
                part.attach()
            except Exception:
                self._once.error("pages", "locust-cw: could not add to Locust's web UI")
        for mode in self._link.lesser_modes:
            logger.warning("locust-cw: with this web UI %s", mode)

    def detach(self) -> None:
        """Stop."""
        for part in self._parts:
            part.detach()
