"""The project and its shared kernel."""

__version__ = "0.1.0"
