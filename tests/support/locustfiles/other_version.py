"""Makes this process speak another wire version."""

from locust_cw_dist.core.wire import frame, messages

frame.WIRE_VERSION = messages.WIRE_VERSION = 99
