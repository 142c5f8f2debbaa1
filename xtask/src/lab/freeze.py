"""Freezes one thread of a process, as a driver that never answers does: SIGSTOP would stop them all. Ends when killed."""
import ctypes
import os
import sys

SEIZE, INTERRUPT = 0x4206, 0x4207
ALL_KINDS = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
process, name = int(sys.argv[1]), sys.argv[2]
for thread in map(int, os.listdir(f"/proc/{process}/task")):
    with open(f"/proc/{process}/task/{thread}/comm", encoding="ascii") as comm:
        if comm.read().strip() != name:
            continue
    for request in (SEIZE, INTERRUPT):
        if libc.ptrace(request, thread, None, None) != 0:
            sys.exit(os.strerror(ctypes.get_errno()))
    print("frozen", thread, flush=True)
    # Its end must be heard, or the kernel keeps the whole process.
    status = os.waitpid(thread, ALL_KINDS)[1]
    while not (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
        status = os.waitpid(thread, ALL_KINDS)[1]
    sys.exit(0)
sys.exit(f"no thread {name}")
