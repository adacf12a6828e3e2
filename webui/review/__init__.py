"""Orders after they were taken: review in bulk by keyboard, splitting, merging, every further step, slips to print."""
