"""A neutral evidence package for a hotline or the police of any country."""
