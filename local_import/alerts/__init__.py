"""Alerts: somebody is told when an import needs a person, once for each cause, until it is gone.

Signals say what is wrong now (signal, imports, installation), rules hold what the operator has set, the
book keeps one alert for each cause, and the outbox delivers what is to be told.
"""
