"""Ethernet frames as they are: `frames.py send LINK` sends those that come as hex lines; `frames.py hear LINK MARKER`
says `ready`, prints what arrives as hex lines, and ends with the frame that holds MARKER."""
import socket
import sys

how, link = sys.argv[1:3]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((link, 0))
if how == 'send':
    for line in sys.stdin:
        wire.send(bytes.fromhex(line))
else:
    marker = sys.argv[3].encode()
    print('ready', flush=True)
    while True:
        frame, (_, _, kind, _, _) = wire.recvfrom(65535)
        if kind == socket.PACKET_OUTGOING:
            continue
        print(frame.hex(), flush=True)
        if marker in frame:
            break
