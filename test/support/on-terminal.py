"""Runs a command on a terminal of its own: on-terminal.py SCRIPT COMMAND... ; SCRIPT is JSON: [["wait for this text", "type this"], ...].
A step {"size": [rows, columns]} in place of the text changes the size. Prints what appeared; exits as the command did, 99 in vain."""
import fcntl, json, os, pty, select, struct, sys, termios, time

steps, command = json.loads(sys.argv[1]), sys.argv[2:]


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


pid, fd = pty.fork()
if pid == 0:
    set_size(0, 33, 101)
    os.execvp(command[0], command)
seen, start = b"", 0
deadline = time.time() + 50


def read_more():
    global seen
    if time.time() > deadline:
        sys.stdout.buffer.write(seen)
        os.kill(pid, 9)
        sys.exit(99)
    if select.select([fd], [], [], 0.1)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            return False
        seen += data
        return data != b""
    return True


for expected, action in steps:
    while expected.encode() not in seen[start:]:
        if not read_more():
            break
    start = len(seen)
    if isinstance(action, dict):
        set_size(fd, *action["size"])
    else:
        os.write(fd, action.encode())
while read_more():
    pass
mode = termios.tcgetattr(fd)[3]
sys.stdout.buffer.write(seen)
sys.stdout.buffer.write(b"\n[terminal restored]" if mode & termios.ICANON else b"\n[terminal left raw]")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
