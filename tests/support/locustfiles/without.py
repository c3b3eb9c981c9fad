"""A locustfile without users that takes one mechanism out of the plugin, to see which test misses it.

`LCW_WITHOUT` names the mechanism, a function of this file; the network tests then bring this file along.
"""

import os

from locust_cw_dist.core import collector, epochs, outbox
from locust_cw_dist.edge import link
from locust_cw_dist.hosts import master


def handover():
    link.MasterLink.keep_handover = lambda *_: None


def handover_again():
    def keep_first(self, keep=link.MasterLink.keep_handover):
        if self._server is None:
            keep(self)

    link.MasterLink.keep_handover = keep_first


def resending():
    """What was sent is forgotten at once."""

    def send_and_forget(self, moment, *, final, send=outbox.Outbox._send):
        data = send(self, moment, final=final)
        self.on_acknowledgement(self._sent.seq)
        return data

    outbox.Outbox._send = send_and_forget


def deduplication():
    epochs.Epoch.has_merged = lambda *_: False


def drain():
    """Locust's own half second at the end, and no more."""
    master.Master.drain = lambda self, *_, **__: self._runner.quit()


def patience():
    """A worker that has been silent for 10 s is done for."""
    master.SILENCE_S = 10.0


def late_results():
    """What comes after its window has closed is left out."""

    def accept(self, frame, now_s, accept=collector.Collector.accept):
        sections = [s for s in frame.sections if s.start_s >= self._closed_until_s.get(s.run_id, 0)]
        object.__setattr__(frame, "sections", tuple(sections))
        return accept(self, frame, now_s)

    collector.Collector.accept = accept


globals()[os.environ["LCW_WITHOUT"]]()
