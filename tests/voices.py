"""Voices of the tests' own making, small enough to be written out."""

NARROW = b"#!AMR\n" + (b"\x3c" + b"\x08" + bytes(30)) * 50  # 50 frames of 20 ms at 12.2 kbit/s
WIDE = b"#!AMR-WB\n" + (b"\x44" + bytes(60)) * 50  # the same at 23.85 kbit/s
