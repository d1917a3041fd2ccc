"""HTTP over the domain: look-ups, review and reporting. No rule of the domain lives here."""
