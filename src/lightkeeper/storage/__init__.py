"""SQL behind the ports of the domain: SQLite by default, PostgreSQL the same."""
