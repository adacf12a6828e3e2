"""A voice board without hardware: a simulator in C under the interfaces of the vendors' libraries.

``build.library(face, folder)`` gives the path that a vendor driver opens; ``control.SimBoard`` drives the clock and the
far ends of the lines behind it. See docs/boards.md.
"""
