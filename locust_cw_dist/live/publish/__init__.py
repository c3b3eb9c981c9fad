"""Who sends, when, in which greenlet."""
