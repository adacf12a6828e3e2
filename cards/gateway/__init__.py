"""Voice boards joined with a softswitch: each busy outside line is one SIP call."""
