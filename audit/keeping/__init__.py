"""Keeping: for how long, under which holds, and what is erased before."""
