"""Recorded requests, sent again: planned, rehearsed, tried elsewhere, or run for good."""
