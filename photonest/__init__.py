"""The Django project: settings from the environment, addresses, server entry."""
