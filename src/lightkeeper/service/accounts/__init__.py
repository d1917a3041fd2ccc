"""Who may sign in: people, their sessions, one-time links and keys of programs."""
