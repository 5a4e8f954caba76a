"""The Django project: settings from the environment, addresses, server entry."""

__version__ = "0.1.0"
