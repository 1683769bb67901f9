#!/usr/bin/env python3
"""Other voices on a link, for tests of discovery: runs on one host.

    mdns.py reflect [-s] DEV...      passes mDNS on between interfaces; with -s
                                     also back to the one it came from
    mdns.py fake ADDR PORT [TXT]     announces one node that is not there
    mdns.py flood KIND SECONDS       thousands of nodes that are not there, from
                                     spoofed addresses; KIND is legal, garbage
                                     or mixed; prints what it sent

    mdns.py ask OWN ADDR             asks for our service, once from any port
                                     and once from 5353, and says of itself to
                                     be a node; prints "answer PORT" for each
    mdns.py dns NAME ADDR            a name server that knows one name

Each prints "ready" when it has begun.
"""
import errno
import os
import random
import select
import socket
import struct
import sys
import time

GROUP4, GROUP6, PORT = '224.0.0.251', 'ff02::fb', 5353
TYPE_A, TYPE_PTR, TYPE_TXT, TYPE_SRV, TYPE_AAAA = 1, 12, 16, 33, 28
NODES = 7                   # in a packet of a flood
SERVICE = b'\x04_nws\x04_tcp\x05local\x00'


def ready():
    print('ready', flush=True)


def open4(dev):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
    s.bind(('', PORT))
    mreq = struct.pack('=4s4si', socket.inet_aton(GROUP4), bytes(4),
                       socket.if_nametoindex(dev))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreq)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, mreq)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    return s


def open6(dev):
    index = socket.if_nametoindex(dev)
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(('::', PORT))
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, GROUP6)
                 + struct.pack('=I', index))
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
    return s


def sockets(dev):
    """[(socket, where to send)], of what the interface has."""
    found = [(open4(dev), (GROUP4, PORT))]
    if os.path.exists('/proc/sys/net/ipv6/conf/%s' % dev):
        found.append((open6(dev), (GROUP6, PORT)))
    return found


def reflect(args):
    back = '-s' in args
    table = {}
    for dev in [a for a in args if a != '-s']:
        for s, to in sockets(dev):
            table[s] = (dev, to)
    ready()
    while True:
        for s in select.select(list(table), [], [])[0]:
            data, _ = s.recvfrom(9000)
            for out, (dev, to) in table.items():
                if dev != table[s][0] or (back and out is s):
                    try:
                        out.sendto(data, to)
                    except OSError:
                        pass    # no address of that family there


def name(*labels):
    return b''.join(bytes([len(x)]) + x for x in labels)


def record(owner, kind, data, ttl=120, flush=True):
    return owner + struct.pack('>HHIH', kind, 0x8001 if flush else 1, ttl,
                               len(data)) + data


def node(instance, host, port, addr, text=b'v=2'):
    """The records of one node: PTR, SRV, TXT and an address."""
    full = name(instance) + SERVICE
    target = name(host) + b'\x05local\x00'
    packed = socket.inet_pton(
        socket.AF_INET6 if ':' in addr else socket.AF_INET, addr)
    return [record(SERVICE, TYPE_PTR, full, 4500, False),
            record(full, TYPE_SRV, struct.pack('>HHH', 0, 0, port) + target),
            record(full, TYPE_TXT, name(text), 4500),
            record(target, TYPE_AAAA if ':' in addr else TYPE_A, packed)]


def response(records):
    return struct.pack('>HHHHHH', 0, 0x8400, 0, len(records), 0, 0) \
        + b''.join(records)


def fake(args):
    packet = response(node(b'nobody', b'nowhere', int(args[1]), args[0],
                           *(a.encode() for a in args[2:])))
    out = sockets('eth0')
    ready()
    while True:
        for s, to in out:
            try:
                s.sendto(packet, to)
            except OSError:
                pass
        time.sleep(1)


def ask(args):
    own, to = args
    query = struct.pack('>HHHHHH', 7, 0, 1, 0, 0, 0) + SERVICE \
        + struct.pack('>HH', TYPE_PTR, 0x8001)
    out = {}
    for port in 0, PORT:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
        s.bind((own, port))
        s.sendto(query, (to, PORT))
        out[s] = port
        if port == PORT and to != GROUP4:
            s.sendto(response(node(b'nobody', b'nowhere', 9010, own)),
                     (to, PORT))
    ready()
    while True:
        for s in select.select(list(out), [], [])[0]:
            s.recv(9000)
            print('answer', out[s], flush=True)


def dns(args):
    """Answers A for the one name; nothing else exists."""
    known = name(*args[0].encode().split(b'.')) + b'\x00'
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(('', 53))
    ready()
    while True:
        query, asker = s.recvfrom(1500)
        end = query.index(b'\x00', 12) + 5
        question, kind = query[12:end], query[end - 4:end - 2]
        here = question[:-4].lower() == known
        answer = struct.pack('>HHHIH', 0xc00c, TYPE_A, 1, 60, 4) \
            + socket.inet_aton(args[1]) if here and kind == b'\x00\x01' else b''
        s.sendto(query[:2] + struct.pack('>HHHHH', 0x8580 | (0 if here else 3),
                                         1, 1 if answer else 0, 0, 0)
                 + question + answer, asker)


def frame(payload, source):
    """Ethernet, IPv4 and UDP from a made up machine to the group."""
    udp = struct.pack('>HHHH', PORT, PORT, 8 + len(payload), 0) + payload
    head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(udp), 0, 0, 255, 17, 0) \
        + source + socket.inet_aton(GROUP4)
    total = sum(struct.unpack('>10H', head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack('>H', 0xffff - (total & 0xffff)
                                   - (total >> 16)) + head[12:]
    return bytes.fromhex('01005e0000fb') + b'\x02' + os.urandom(5) \
        + b'\x08\x00' + head + udp


def legal(net):
    """As many nodes as fit, each with an address of its own."""
    records = []
    for _ in range(NODES):
        word = os.urandom(6).hex().encode()
        records += node(word, b'h' + word, 9010,
                        '%s.%d' % (net, random.randint(200, 254)))
    return response(records)


def garbage(net):
    packet = bytearray(legal(net))
    choice = random.randrange(4)
    if choice == 0:
        return os.urandom(random.randint(0, 1400))
    if choice == 1:
        return bytes(packet[:random.randrange(len(packet))])
    for _ in range(random.randint(1, 20)):
        packet[random.randrange(len(packet))] = random.randrange(256)
    if choice == 2:
        packet[2:4] = b'\x00\x00'     # a query
    return bytes(packet)


def flood(args):
    kind, seconds = args[0], float(args[1])
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(('eth0', 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    net = '10.77.1'
    ready()
    end = time.monotonic() + seconds
    packets = nodes = 0
    while time.monotonic() < end:
        for _ in range(50):
            bad = kind == 'garbage' or kind == 'mixed' and packets % 2
            payload = garbage(net) if bad else legal(net)
            source = socket.inet_aton('%s.%d' % (net, random.randint(50, 254)))
            try:
                s.send(frame(payload, source))
            except OSError as e:
                if e.errno != errno.ENOBUFS:
                    raise
                continue      # no room for it: the link is full
            packets += 1
            nodes += 0 if bad else NODES
    print('sent %d packets, %d nodes' % (packets, nodes), flush=True)


if __name__ == '__main__':
    commands = {'reflect': reflect, 'fake': fake, 'flood': flood, 'dns': dns,
                'ask': ask}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    try:
        commands[sys.argv[1]](sys.argv[2:])
    except KeyboardInterrupt:
        pass
