"""The vocabulary between services and any switch: commands, events and snapshots, as data.

Commands are effects that a service decides and a driver carries out; events are what a switch reports. Neither knows
AMI, ESL or a board. Times are epoch seconds. Numbers and names come from outside: treat every text as hostile.

Control. A channel is *controlled* when it waits for our next command (Asterisk: in async AGI; FreeSWITCH: parked;
simulator: idle). A caller's channel is controlled from the first ring; an originated channel from its answer. When a
bridge ends for any reason, each channel that is still alive becomes controlled again and reports ``ChannelUnbridged``:
nobody is hung up because the other side went away. That is the service's decision.

A *watched* channel is a call that passes by on a line which the switch only hears (``WATCH``): others make and end it.
It is never controlled; ``RecordStart``, ``RecordStop``, ``RecordPause`` and ``SetState`` are carried out on it, every
other command is refused.
"""
