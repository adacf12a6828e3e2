"""The process that owns the boards of one library: channels, state charts, recordings."""
