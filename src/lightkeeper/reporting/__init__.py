"""Reports to hotlines: built from decided cases, sent once, after a person has confirmed."""
