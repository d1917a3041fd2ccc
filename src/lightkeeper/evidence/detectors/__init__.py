"""Passive detectors: what pixels alone may say, how it is measured, and who may speak.

``evaluation`` measures any detector by one protocol, ``cards`` keeps the result in a form that
cannot be altered unseen, ``plugins`` runs external detectors in a worker, and ``reconstruction``
uses the suspected generator's own parts.
"""
