"""Cases, reports and accounts in SQL."""
