"""What an operator of a generator does to it: needs torch, and is never imported by a scan."""
