"""Sets this process's clock five minutes back, before anything looks at it; comes first in -f."""

import time

_right = time.time
time.time = lambda: _right() - 300
