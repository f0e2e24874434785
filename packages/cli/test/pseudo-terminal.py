"""Runs a program in a terminal of its own: rows, columns, then the program with its arguments.

What it writes goes to standard output, what is typed comes from standard input; the end of that hangs up.
Ends with the program's exit code, or with 128 and the number of the signal that ended it.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

rows, columns, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp(program[0], program)

sources = [0, terminal]
while terminal in sources:
    ready, _, _ = select.select(sources, [], [])
    if terminal in ready:
        try:
            written = os.read(terminal, 65536)
        except OSError:  # The program has ended.
            written = b""
        if not written:
            sources.remove(terminal)
        else:
            os.write(1, written)
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed:
            os.write(terminal, typed)
        else:
            sources.remove(0)
            os.kill(pid, signal.SIGHUP)

sys.exit(128 - code if (code := os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])) < 0 else code)
