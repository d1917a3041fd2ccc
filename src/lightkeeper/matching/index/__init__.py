"""An exact index over 256-bit hashes that stays fast at ten million entries."""
