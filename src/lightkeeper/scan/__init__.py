"""Many files: examined in a process pool, journalled, written as rows."""
