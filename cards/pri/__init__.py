"""E1 lines with ISDN (PRI): signalling by libpri in a process of its own, sound by the board that has the timeslots."""
