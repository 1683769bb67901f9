// Reads captures: Ethernet, IPv4 or IPv6, UDP or TCP, and TLS records.
import assert from 'node:assert/strict';

/** Packets of a file of libpcap: { src, dst, ttl, udp | tcp, payload, ... }. */
export function packets(file) {
  assert.equal(file.readUInt32LE(0), 0xa1b2c3d4, 'no pcap');
  assert.equal(file.readUInt32LE(20), 1, 'no Ethernet');
  const all = [];
  for (let at = 24; at + 16 <= file.length;) {
    const n = file.readUInt32LE(at + 8);
    assert.equal(n, file.readUInt32LE(at + 12), 'a packet is cut');
    const p = packet(file.subarray(at + 16, at + 16 + n));
    p.time = file.readUInt32LE(at) + file.readUInt32LE(at + 4) / 1e6;
    all.push(p);
    at += 16 + n;
  }
  return all;
}

function packet(b) {
  const kind = b.readUInt16BE(12);
  const ip = b.subarray(14);
  const p = { raw: b };
  let next, rest;
  if (kind === 0x0800) {
    p.src = [...ip.subarray(12, 16)].join('.');
    p.dst = [...ip.subarray(16, 20)].join('.');
    p.ttl = ip[8];
    next = ip[9];
    rest = ip.subarray((ip[0] & 15) * 4, ip.readUInt16BE(2));
  } else if (kind === 0x86dd) {
    p.src = ip.subarray(8, 24).toString('hex');
    p.dst = ip.subarray(24, 40).toString('hex');
    p.ttl = ip[7];
    next = ip[6];
    rest = ip.subarray(40, 40 + ip.readUInt16BE(4));
  } else {
    return p;
  }
  if (next === 17) {
    p.udp = true;
    p.payload = rest.subarray(8);
  } else if (next === 6) {
    p.tcp = true;
    p.seq = rest.readUInt32BE(4);
    p.flags = rest[13];
    p.payload = rest.subarray((rest[12] >> 4) * 4);
  } else {
    return p;
  }
  p.sport = rest.readUInt16BE(0);
  p.dport = rest.readUInt16BE(2);
  return p;
}

/**
 * What each side of each TCP connection sent: [{ src, dst, bytes, ... }].
 * whole: from its beginning, else from the first packet that there is.
 */
export function streams(all, { whole = true } = {}) {
  const flows = new Map();
  for (const p of all) {
    if (!p.tcp)
      continue;
    const key = `${p.src} ${p.sport} ${p.dst} ${p.dport}`;
    if (p.flags & 2 || (!whole && !flows.has(key) && p.payload.length > 0))
      flows.set(key, { src: p.src, sport: p.sport, dst: p.dst, dport: p.dport,
        next: p.seq + (p.flags & 2 ? 1 : 0) >>> 0, parts: [], late: [] });
    const f = flows.get(key);
    if (f !== undefined && p.payload.length > 0)
      take(f, p.seq, p.payload);
  }
  return [...flows.values()].map((f) => ({ ...f,
    bytes: Buffer.concat(f.parts), late: f.late.length }));
}

function take(f, seq, payload) {
  const ahead = seq - f.next | 0;
  if (ahead > 0) {
    f.late.push([seq, payload]);
    return;
  }
  if (-ahead < payload.length) {
    f.parts.push(payload.subarray(-ahead));
    f.next = seq + payload.length >>> 0;
  }
  for (const [s, b] of f.late.splice(0))
    take(f, s, b);
}

/** TLS records in what one side sent: [{ type, length }]. */
export function records(bytes) {
  const found = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 3);
    found.push({ type: bytes[at], length });
    at += 5 + length;
  }
  return found;
}
